import test from 'ava'
import { scratch } from '../../../inference-server/core/scratch.ts'

test('what is given back is used again, and no more is kept than agreed', (t) => {
  const memory = scratch(8, 1)
  const [a, b] = [memory.borrow(), memory.borrow()]
  t.not(a, b, 'two at a time are two')
  memory.giveBack(a)
  memory.giveBack(b)
  t.is(memory.borrow(), a)
  t.not(memory.borrow(), b)
  t.is(memory.borrow().byteLength, 8)
})
