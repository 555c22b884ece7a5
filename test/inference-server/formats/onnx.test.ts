import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import fc from 'fast-check'
import { attributeValues, graphOf, node, nodeOf, nodesOf } from '../../../inference-server/formats/onnx.ts'
import { bytesField, concatenated, fieldsOf, integerField } from '../../../inference-server/formats/protobuf.ts'

/** Made by the exporters themselves: inference-server/references/tabular.py. */
const FIXTURES = fileURLToPath(new URL('../fixtures/tabular', import.meta.url))

test('a message that is cut off is refused', (t) => {
  t.throws(() => [...fieldsOf(Uint8Array.of(0x0a, 5, 1))], { message: /cut off/ })
  t.throws(() => [...fieldsOf(Uint8Array.of(0x08))], { message: /cut off/ })
  t.throws(() => [...fieldsOf(Uint8Array.of(0x08, 0x80))], { message: /cut off/ })
  t.throws(() => [...fieldsOf(Uint8Array.of(0x0d, 1, 2))], { message: /cut off/ })
})

test('an integer without end, and a type that there is not, are refused', (t) => {
  t.throws(() => [...fieldsOf(Uint8Array.from([0x08, ...new Array<number>(11).fill(0xff)]))], { message: /ten bytes/ })
  t.throws(() => [...fieldsOf(Uint8Array.of(0x0f))], { message: /wire type 7/ })
})

test('a file without a graph is refused', (t) => {
  t.throws(() => graphOf(new Uint8Array()), { message: /no graph/ })
})

test('what is written is read again, integers of 64 bits and their signs too', (t) => {
  const fields = fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 2000 }),
      fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.uint8Array()),
    ),
  )
  const property = fc.property(fields, (given) => {
    const message = concatenated(
      given.map(([number, value]) =>
        typeof value === 'bigint' ? integerField(number, value) : bytesField(number, value),
      ),
    )
    t.deepEqual(
      Array.from(fieldsOf(message), ({ number, value }) => [number, value]),
      given,
    )
  })
  t.notThrows(() => fc.assert(property))
})

test('fields that are copied one by one are the file again', async (t) => {
  for (const name of (await readdir(FIXTURES)).filter((file) => file.endsWith('.onnx'))) {
    const file = await readFile(join(FIXTURES, name))
    const copy = concatenated(Array.from(fieldsOf(file), ({ raw }) => raw))
    t.deepEqual(Buffer.from(copy), file, name)
  }
})

test('nodes are read with their attributes, packed lists of integers too', async (t) => {
  const model = await readFile(join(FIXTURES, 'wine-odd-labels.onnx'))
  const zipMap = [...nodesOf(graphOf(model))].find(({ opType }) => opType === 'ZipMap')
  t.deepEqual(attributeValues(zipMap?.attributes.get('classlabels_int64s') ?? new Uint8Array()), [-7n, 40n, 2n ** 60n])
  const packed = bytesField(8, Uint8Array.of(3, 0x96, 0x01, 0))
  t.deepEqual(attributeValues(packed), [3n, 150n, 0n])
  const read = nodeOf(node('Gemm', ['a', 'b'], ['c'], { transB: 1, axes: [1, 2] }))
  t.like(read, { opType: 'Gemm', inputs: ['a', 'b'], outputs: ['c'] })
  t.deepEqual(attributeValues(read.attributes.get('axes') ?? new Uint8Array()), [1n, 2n])
})
