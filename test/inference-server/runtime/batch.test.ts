import test from 'ava'
import fc from 'fast-check'
import { batchKey, itemsOf, join, split } from '../../../inference-server/runtime/batch.ts'
import { float32, int64, type Tensors } from '../../../inference-server/runtime/tensors.ts'

test('feeds share a key when they differ in their first dimension only', (t) => {
  const key = (dims: number[]) => batchKey(0, { x: float32(dims, new Float32Array(dims.reduce((a, b) => a * b))) })
  t.is(key([1, 4]), key([7, 4]))
  t.not(key([1, 4]), key([1, 5]))
  t.not(key([1, 4]), key([1, 4, 1]))
  t.not(batchKey(0, { x: int64([1], [1]) }), batchKey(0, { x: float32([1], [1]) }))
  t.not(batchKey(0, {}), batchKey(1, {}))
})

test('what is joined is split again into the same parts, of any type', (t) => {
  const row = fc.record({ x: fc.float(), n: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), s: fc.string() })
  fc.assert(
    fc.property(fc.array(fc.array(row, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 }), (requests) => {
      const feeds = requests.map(
        (rows): Tensors => ({
          x: { type: 'float32', dims: [rows.length, 1], data: Float32Array.from(rows, ({ x }) => x) },
          n: { type: 'int64', dims: [rows.length], data: BigInt64Array.from(rows, ({ n }) => n) },
          s: { type: 'string', dims: [rows.length], data: rows.map(({ s }) => s) },
        }),
      )
      t.deepEqual(split(join(feeds), feeds.map(itemsOf)), feeds)
    }),
    { numRuns: 50 },
  )
})

test('a model whose first dimension is no batch is found out, rather than answers mixed up', (t) => {
  t.throws(() => split({ y: float32([1, 2], [1, 2]) }, [1, 1]), { message: /y has 1 items for 2 that went in/ })
  t.throws(() => split({ y: float32([], [1]) }, [1, 1]), { message: /no items/ })
})
