import test from 'ava'
import { growth } from './memory.ts'

const MIB = 2 ** 20
const eighty = (reading: (at: number) => number) => Array.from({ length: 80 }, (_, at) => reading(at) * MIB)

test('memory that goes on growing is not flat', (t) => {
  t.false(growth(eighty((at) => 600 + 3 * at)).flat)
})

test('memory that grows until caches are full, and then goes up and down, is flat', (t) => {
  t.true(growth(eighty((at) => Math.min(700, 500 + 10 * at) + (at % 5) * 20)).flat)
})

test('a few readings say nothing', (t) => {
  t.throws(() => growth([1, 2, 3]), { instanceOf: RangeError })
})
