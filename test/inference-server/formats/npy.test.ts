import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { Failure } from '../../../inference-server/core/errors.ts'
import { type NpyArray, readNpy, readNpyHeader, writeNpy } from '../../../inference-server/formats/npy.ts'

/** Made by inference-server/references/npy.py. */
const FIXTURES = fileURLToPath(new URL('../fixtures/npy', import.meta.url))
const fixture = (name: string) => readFile(join(FIXTURES, `${name}.npy`))
const PYTHON = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url))

const refused = test.macro(async (t, bytes: Uint8Array | Promise<Uint8Array>, message: RegExp) => {
  const given = await bytes
  const failure = t.throws(() => readNpy(given), { instanceOf: Failure })
  t.is(failure?.code, 'InvalidRequest')
  t.regex(failure?.message ?? '', message)
})

const f4 = await fixture('f4')
const originals = await Promise.all((await readdir(FIXTURES)).map((name) => readFile(join(FIXTURES, name))))
const changed = (from: string, to: string) => {
  const text = f4.toString('latin1')
  if (!text.includes(from)) throw new Error(`the fixture does not have ${from}`)
  return Buffer.from(text.replace(from, to), 'latin1')
}

const shaped = (shape: string) => {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}}\n`
  return Buffer.concat([f4.subarray(0, 8), Buffer.of(header.length, 0), Buffer.from(header)])
}

test('an empty file', refused, Buffer.alloc(0), /magic/)
test('a file of another kind', refused, Buffer.from('PK\x03\x04 an .npz is an archive'), /magic/)
test('a version from the future', refused, changed('NUMPY\x01', 'NUMPY\x09'), /version is 9/)
test('a header that is cut off', refused, f4.subarray(0, 40), /cut off/)
test(
  'a header that is cut off before its length',
  refused,
  changed('NUMPY\x01', 'NUMPY\x02').subarray(0, 11),
  /cut off/,
)
test('a header too long to read', refused, changed('NUMPY\x01\x00\x76\x00', 'NUMPY\x01\x00\xff\xff'), /more than 10000/)
test('a header without a shape', refused, changed("'shape'", "'scape'"), /descr, fortran_order and shape/)
test('a negative dimension', refused, shaped('(-2, 3)'), /descr, fortran_order and shape/)
test('a dimension that is no number', refused, shaped('(2 3,)'), /whole number/)
test('more dimensions than NumPy has', refused, shaped(`(${'1,'.repeat(65)})`), /65 dimensions/)
test('a string type of no length', refused, changed("'<f4'", "'<U0'"), /no characters/)
test('Python objects', refused, fixture('object'), /Python objects/)
test('complex numbers', refused, fixture('complex'), /type is <c8/)
test('a structured array', refused, fixture('structured'), /structured/)
test('unsigned integers above those of int64', refused, fixture('u8-too-large'), /2\^63/)

const reads = test.macro(async (t, name: string, type: string, dims: number[], data: unknown[]) => {
  const array = readNpy(await fixture(name))
  t.is(array.type, type as NpyArray['type'])
  t.deepEqual(array.dims, dims)
  t.deepEqual(Array.from<unknown>(array.data), data)
})

test('float16', reads, 'f2', 'float32', [2, 2], [1.5, -2.25, 65504, 0])
test('float32', reads, 'f4', 'float32', [2, 3], [1.5, -2.25, 3, 4, 5, 6])
test('big-endian float32', reads, 'f4-big-endian', 'float32', [2, 3], [1.5, -2.25, 3, 4, 5, 6])
test(
  'Fortran order',
  reads,
  'f4-fortran',
  'float32',
  [2, 3, 4],
  Array.from({ length: 24 }, (_, index) => index),
)
test('float64 with NaN and infinity', reads, 'f8', 'float64', [3], [0.1, Number.NaN, Number.POSITIVE_INFINITY])
test('int8', reads, 'i1', 'int32', [2], [-128, 127])
test('int16', reads, 'i2', 'int32', [2], [-32768, 32767])
test('uint16', reads, 'u2', 'int32', [2], [0, 65535])
test('int32', reads, 'i4', 'int32', [2, 1], [-(2 ** 31), 2 ** 31 - 1])
test('uint32', reads, 'u4', 'int64', [2], [0n, 2n ** 32n - 1n])
test('int64', reads, 'i8', 'int64', [2], [-(2n ** 63n), 2n ** 63n - 1n])
test('big-endian int64', reads, 'i8-big-endian', 'int64', [2], [1n, 2n ** 40n])
test('uint64', reads, 'u8', 'int64', [2], [0n, 2n ** 63n - 1n])
test('uint8', reads, 'u1', 'uint8', [2], [0, 255])
test('booleans', reads, 'bool', 'bool', [2], [1, 0])
test('strings', reads, 'str', 'string', [2, 2], ['a', 'größer', '', '😀'])
test('byte strings', reads, 'bytes', 'string', [2], ['one', 'three'])
test('a scalar', reads, 'scalar', 'float32', [], [3.5])
test('an array without elements', reads, 'empty', 'float32', [0, 4], [])
test('version 2', reads, 'version-2', 'int32', [1], [7])
test('version 3', reads, 'version-3', 'int32', [1], [7])

test('values at an odd address are read all the same', (t) => {
  const shifted = Buffer.alloc(f4.length + 1)
  shifted.set(f4, 1)
  t.deepEqual(Array.from(readNpy(shifted.subarray(1)).data as Float32Array), [1.5, -2.25, 3, 4, 5, 6])
})

test('the header of a file too large to be read whole is checked against its length', (t) => {
  const header = readNpyHeader(f4.subarray(0, 128), f4.length)
  t.like(header, { descr: '<f4', fortranOrder: false, shape: [2, 3], dataOffset: 128, itemSize: 4 })
  t.throws(() => readNpyHeader(f4.subarray(0, 128), f4.length + 4), { message: /and 28 follow/ })
})

const ARRAYS: readonly NpyArray[] = [
  { type: 'float32', dims: [1, 2, 2], data: Float32Array.of(1.5, -0, Number.NaN, 3e38) },
  { type: 'float64', dims: [2], data: Float64Array.of(0.1, -1e300) },
  { type: 'int64', dims: [2], data: BigInt64Array.of(-(2n ** 63n), 5n) },
  { type: 'int32', dims: [], data: Int32Array.of(-7) },
  { type: 'uint8', dims: [3, 1], data: Uint8Array.of(1, 2, 255) },
  { type: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
  { type: 'string', dims: [3], data: ['', 'größer', '😀'] },
  { type: 'float32', dims: [0], data: new Float32Array(0) },
]

test('what is written is read again', (t) => {
  for (const array of ARRAYS) t.deepEqual(readNpy(writeNpy(array)), array)
})

test('the bytes written are those of numpy.save', async (t) => {
  for (const name of ['f4', 'f8', 'i4', 'i8', 'u1', 'bool', 'str', 'scalar', 'empty']) {
    t.deepEqual(Buffer.from(writeNpy(readNpy(await fixture(name)))), await fixture(name), name)
  }
  t.deepEqual(Buffer.from(writeNpy(readNpy(await fixture('f2')), { half: true })), await fixture('f2'))
})

const withPython = existsSync(PYTHON) ? test : test.skip
withPython('numpy.load reads what is written (needs .venv)', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'npy-'))
  for (const [index, array] of ARRAYS.entries()) await writeFile(join(directory, `${index}.npy`), writeNpy(array))
  const script = `import numpy, sys; print([[str(a.dtype), a.shape] for a in (numpy.load(f"{sys.argv[1]}/{i}.npy") for i in range(${ARRAYS.length}))])`
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', script, directory])
  t.is(
    stdout.trim(),
    "[['float32', (1, 2, 2)], ['float64', (2,)], ['int64', (2,)], ['int32', ()], ['uint8', (3, 1)], ['bool', (2,)], ['<U6', (3,)], ['float32', (0,)]]",
  )
  await rm(directory, { recursive: true })
})

test('every fixture is read or refused', async (t) => {
  const names = await readdir(FIXTURES)
  t.true(names.length >= 25)
  for (const name of names) {
    try {
      readNpy(await readFile(join(FIXTURES, name)))
    } catch (error) {
      t.true(error instanceof Failure, name)
    }
  }
})

test('damaged files are read or refused with a reason, and never anything else', (t) => {
  const damage = fc.record({
    original: fc.constantFrom(...originals),
    changes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    cut: fc.option(fc.nat()),
  })
  const property = fc.property(damage, ({ original, changes, cut }) => {
    const bytes = Buffer.from(original)
    // Most of a small file is its header.
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    const given = cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1))
    try {
      const array = readNpy(given)
      return array.data.length === array.dims.reduce((product, size) => product * size, 1)
    } catch (error) {
      return error instanceof Failure
    }
  })
  t.notThrows(() => fc.assert(property, { numRuns: 3000 }))
})
