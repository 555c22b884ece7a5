import { readFile } from 'node:fs/promises'
import test from 'ava'
import fc from 'fast-check'
import { Failure } from '../../../../inference-server/core/errors.ts'
import { type NpyArray, writeNpy } from '../../../../inference-server/formats/npy.ts'
import type { Signature } from '../../../../inference-server/runtime/model.ts'
import { layoutOf } from '../../../../inference-server/tasks/predict/layout.ts'
import { feedsOf, MAX_ROWS, type Row } from '../../../../inference-server/tasks/predict/rows.ts'
import { feedsOfFile } from '../../../../inference-server/tasks/predict/table.ts'

const input = (name: string, type: string, columns: number | string, rows: number | string = 'N') => ({
  name,
  type,
  shape: [rows, columns],
  isTensor: true,
})
const signature = (...inputs: Signature['inputs']): Signature => ({ inputs, outputs: [] })

const numbers = layoutOf(signature(input('X', 'float32', 3)))
const named = layoutOf(signature(input('X', 'float32', 3)), ['a', 'b', 'c'])
const anyWidth = layoutOf(signature(input('X', 'float32', 'columns')))
const mixed = layoutOf(
  signature(
    input('colour', 'string', 1),
    input('size', 'int64', 1),
    input('weight', 'float64', 1),
    input('sold', 'bool', 1),
  ),
)

const refusal = (code: string, message: RegExp, act: () => unknown) => (t: import('ava').ExecutionContext) => {
  const failure = t.throws(act, { instanceOf: Failure })
  t.is(failure?.code, code as Failure['code'])
  t.regex(`${failure?.message} ${failure?.details ?? ''}`, message)
}
const json = (layout: typeof numbers, rows: Row[]) => () => feedsOf(layout, rows)
const csv = (layout: typeof numbers, text: string, header?: 'present' | 'absent') => () =>
  feedsOfFile(layout, Buffer.from(text), header)
const npy = (layout: typeof numbers, array: NpyArray) => () => feedsOfFile(layout, writeNpy(array))

test('no rows', refusal('InvalidData', /no cells/, json(numbers, [])))
test('a row without cells', refusal('InvalidData', /no cells/, json(anyWidth, [[]])))
test(
  'a row too short',
  refusal(
    'InvalidData',
    /Row 1 has 2 columns; the model takes 3/,
    json(numbers, [
      [1, 2, 3],
      [1, 2],
    ]),
  ),
)
test('rows of unequal length', refusal('InvalidData', /Row 1 has 1 columns/, json(anyWidth, [[1, 2], [1]])))
test(
  'more rows than one request may bring',
  refusal(
    'BodyTooLarge',
    /100001 rows/,
    json(
      numbers,
      Array.from({ length: MAX_ROWS + 1 }, () => [1, 2, 3]),
    ),
  ),
)
test(
  'a word among numbers',
  refusal('InvalidData', /Row 0, column 1: "x" is not a number/, json(numbers, [[1, 'x', 3]])),
)
test('a number in quotes', refusal('InvalidData', /"2" is not a number/, json(numbers, [[1, '2', 3]])))
test('true among numbers', refusal('InvalidData', /true is not a number/, json(numbers, [[1, true, 3]])))
test('a list in a cell', refusal('InvalidData', /\[1\] is not a number/, json(numbers, [[1, [1], 3]])))
test(
  'a number too large for float32',
  refusal('InvalidData', /1e\+39 is not a number that float32/, json(numbers, [[1, 1e39, 3]])),
)
test(
  'rows by name for a model without names',
  refusal('InvalidData', /does not name its columns/, json(numbers, [{ a: 1, b: 2, c: 3 }])),
)
test(
  'an unknown column',
  refusal('InvalidData', /unknown column "d".*columns: a, b, c/, json(named, [{ a: 1, b: 2, d: 3 }])),
)
test('lists and objects in one table', refusal('InvalidData', /Row 0 is a list/, json(named, [[1, 2, 3], { a: 1 }])))
test('null for a row', refusal('InvalidData', /Row 1 is neither a list/, json(named, [{ a: 1 }, null as never])))
test('a number for a row', refusal('InvalidData', /neither a list nor an object/, json(named, [{ a: 1 }, 5 as never])))
test(
  'names of the prototype are no columns',
  refusal('InvalidData', /unknown column "__proto__"/, json(named, [JSON.parse('{"__proto__": 1}')])),
)
test(
  'a string missing',
  refusal(
    'InvalidData',
    /column 0 \("colour"\): null is not a string/,
    json(mixed, [{ size: 1, weight: 1, sold: true }]),
  ),
)
test(
  'a fraction for an integer',
  refusal('InvalidData', /1.5 is not a whole number/, json(mixed, [['red', 1.5, 1, true]])),
)
test(
  'an integer that JSON has rounded',
  refusal('InvalidData', /is not a whole number/, json(mixed, [['red', 2 ** 60, 1, true]])),
)
test(
  'an integer beyond 64 bits',
  refusal('InvalidData', /is not a whole number/, json(mixed, [['red', '9223372036854775808', 1, true]])),
)
test('a number for a truth', refusal('InvalidData', /1 is not true or false/, json(mixed, [['red', 1, 1, 1]])))

test('an empty CSV', refusal('InvalidData', /empty/, csv(numbers, '')))
test('a CSV with a header only', refusal('InvalidData', /no cells/, csv(named, 'a,b,c\n')))
test('a CSV with a quote never closed', refusal('InvalidData', /cannot be read: .*[Qq]uote/, csv(numbers, '1,"2,3\n')))
test(
  'a CSV with rows of unequal length',
  refusal('InvalidData', /cannot be read: .*Invalid Record Length/, csv(numbers, '1,2,3\n1,2\n')),
)
test(
  'a CSV whose header lacks a column',
  refusal('InvalidData', /columns: a, b, c,found: a, b, x/, csv(named, 'a,b,x\n1,2,3\n')),
)
test(
  'a CSV with a word among numbers',
  refusal('InvalidData', /Row 1, column 2: "abc"/, csv(numbers, '1,2,3\n4,5,abc\n')),
)
test('hexadecimal is no number in CSV', refusal('InvalidData', /"0x10"/, csv(numbers, '1,2,0x10\n')))
test('an endless number is none in CSV', refusal('InvalidData', /"inf"/, csv(numbers, '1,2,inf\n')))
test('a header where none is said to be', refusal('InvalidData', /Row 0/, csv(numbers, 'a,b,c\n1,2,3\n', 'absent')))

test(
  'an array of three dimensions',
  refusal('InvalidData', /3 dimensions/, npy(numbers, { type: 'float32', dims: [1, 1, 3], data: new Float32Array(3) })),
)
test(
  'an array with too few columns',
  refusal(
    'InvalidData',
    /Row 0 has 2 columns/,
    npy(numbers, { type: 'float32', dims: [1, 2], data: new Float32Array(2) }),
  ),
)
test(
  'an array with infinity',
  refusal(
    'InvalidData',
    /is not a number/,
    npy(numbers, { type: 'float32', dims: [1, 3], data: Float32Array.of(1, 2, Infinity) }),
  ),
)
test(
  'an array of strings for numbers',
  refusal('InvalidData', /"1" is not a number/, npy(numbers, { type: 'string', dims: [1, 3], data: ['1', '2', '3'] })),
)
test(
  'an array without rows',
  refusal('InvalidData', /no cells/, npy(numbers, { type: 'float32', dims: [0, 3], data: new Float32Array() })),
)

const X = (...data: number[]) => ({ X: { type: 'float32', dims: [data.length / 3, 3], data: Float32Array.from(data) } })

test('rows of numbers, null for a missing one', (t) => {
  t.deepEqual(
    json(numbers, [
      [1, 2.5, null],
      [4, 5, 6],
    ])(),
    X(1, 2.5, Number.NaN, 4, 5, 6) as never,
  )
})

test('rows by name, in any order, missing ones null', (t) => {
  t.deepEqual(
    json(named, [
      { c: 3, a: 1, b: 2 },
      { a: 4, c: null },
    ])(),
    X(1, 2, 3, 4, Number.NaN, Number.NaN) as never,
  )
})

test('each column to its own input, of its own type', (t) => {
  t.deepEqual(
    json(mixed, [
      ['red', '9223372036854775807', 0.5, true],
      ['blue', -3, null, false],
    ])(),
    {
      colour: { type: 'string', dims: [2, 1], data: ['red', 'blue'] },
      size: { type: 'int64', dims: [2, 1], data: BigInt64Array.of(2n ** 63n - 1n, -3n) },
      weight: { type: 'float64', dims: [2, 1], data: Float64Array.of(0.5, Number.NaN) },
      sold: { type: 'bool', dims: [2, 1], data: Uint8Array.of(1, 0) },
    },
  )
})

test('CSV without a header, with one, and with a byte order mark', (t) => {
  t.deepEqual(csv(numbers, '1,2,3\n4,5e0,-6\n')(), X(1, 2, 3, 4, 5, -6) as never)
  t.deepEqual(csv(numbers, 'one,two,three\r\n1,2,3\r\n')(), X(1, 2, 3) as never)
  t.deepEqual(csv(numbers, '\ufeff1,2,3')(), X(1, 2, 3) as never)
  t.deepEqual(csv(numbers, '9,9,9\n1,2,3\n', 'present')(), X(1, 2, 3) as never)
})

test('CSV with missing values', (t) => {
  t.deepEqual(csv(numbers, '1,,3\nNaN, 5 ,NA\n')(), X(1, Number.NaN, 3, Number.NaN, 5, Number.NaN) as never)
})

test('the header of a CSV puts the columns in order', (t) => {
  t.deepEqual(csv(named, 'c,a,b\n3,1,2\n')(), X(1, 2, 3) as never)
  t.deepEqual(csv(mixed, 'size,colour,sold,weight\n7,"dark, red",TRUE,0.5\n')(), {
    colour: { type: 'string', dims: [1, 1], data: ['dark, red'] },
    size: { type: 'int64', dims: [1, 1], data: BigInt64Array.of(7n) },
    weight: { type: 'float64', dims: [1, 1], data: Float64Array.of(0.5) },
    sold: { type: 'bool', dims: [1, 1], data: Uint8Array.of(1) },
  })
})

test('NumPy arrays of the type of the input, of others, and of one row', (t) => {
  t.deepEqual(
    npy(numbers, { type: 'float32', dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, Number.NaN, 6) })(),
    X(1, 2, 3, 4, Number.NaN, 6) as never,
  )
  t.deepEqual(npy(numbers, { type: 'int64', dims: [3], data: BigInt64Array.of(1n, 2n, 3n) })(), X(1, 2, 3) as never)
  t.deepEqual(
    npy(numbers, { type: 'float64', dims: [1, 3], data: Float64Array.of(1, 0.1, 3) })(),
    X(1, 0.1, 3) as never,
  )
})

test('an array as numpy.save writes it', async (t) => {
  const bytes = await readFile(new URL('../../fixtures/npy/f4-big-endian.npy', import.meta.url))
  t.deepEqual(feedsOfFile(numbers, bytes), X(1.5, -2.25, 3, 4, 5, 6) as never)
})

test('names have to be as many as the columns', (t) => {
  t.throws(() => layoutOf(signature(input('X', 'float32', 3)), ['a', 'b']), {
    message: /3 columns, and "columns" names 2/,
  })
})

test('a model exported with a fixed number of rows says so', (t) => {
  t.is(layoutOf(signature(input('X', 'float32', 2, 3))).rowsPerRun, 3)
  t.is(numbers.rowsPerRun, undefined)
})

test('whatever the rows and files are, they become tensors of the right size or are refused with a reason', (t) => {
  const layouts = fc.constantFrom(numbers, named, anyWidth, mixed)
  const cells = fc.oneof(fc.double(), fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.jsonValue())
  const rows = fc.array(fc.oneof(fc.array(cells, { maxLength: 5 }), fc.dictionary(fc.string(), cells)), {
    maxLength: 4,
  })
  const lines = fc.array(fc.array(fc.oneof(fc.double().map(String), fc.string()), { maxLength: 5 }), { maxLength: 4 })
  const csv = fc.oneof(
    lines.map((each) => Buffer.from(each.map((line) => line.join(',')).join('\n'))),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  )
  const sound = (layout: typeof numbers, make: () => ReturnType<typeof feedsOf>) => {
    try {
      return layout.inputs.every(({ name }) => {
        const { dims = [], data = [] } = make()[name] ?? {}
        return dims.length === 2 && data.length > 0 && data.length === (dims[0] ?? 0) * (dims[1] ?? 0)
      })
    } catch (error) {
      return error instanceof Failure
    }
  }
  const fromRows = fc.property(layouts, rows, (layout, given) => sound(layout, () => feedsOf(layout, given as Row[])))
  const fromFiles = fc.property(layouts, csv, (layout, given) => sound(layout, () => feedsOfFile(layout, given)))
  t.notThrows(() => fc.assert(fromRows, { numRuns: 2000 }))
  t.notThrows(() => fc.assert(fromFiles, { numRuns: 2000 }))
})
