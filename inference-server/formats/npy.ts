import { elements, type Tensor } from '../runtime/tensors.ts'
import { MAGIC, type NpyHeader, readNpyHeader, refuse } from './npy-header.ts'

export { type NpyHeader, readNpyHeader } from './npy-header.ts'

/**
 * An array of NumPy's `.npy` format, in the types that a tensor has here. The format is that of NEP 1 and `numpy.lib.format`:
 * the magic string, a version, the header's length, a header that is a literal of a Python dictionary, and the plain values.
 */
export type NpyArray = Tensor

export const NPY_MEDIA_TYPE = 'application/x-npy'

/**
 * Reads an array. Where there is no type here for the file's, a wider one is taken: float16 becomes float32; 8- and 16-bit
 * integers int32; uint32 and uint64 int64. Fortran order becomes C order. Values are copied only where they have to be.
 * @throws Failure InvalidRequest for damaged files and types that have no counterpart (objects, which are pickles; complex; dates).
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  const header = readNpyHeader(bytes)
  const values = bytes.subarray(header.dataOffset)
  const array = decode(header, values)
  return header.fortranOrder && array.dims.length > 1 ? toRowMajor(array) : array
}

/**
 * Writes an array as `numpy.save` does, version 1.0, little-endian, C order.
 * @param options.half writes floats as float16, which halves an embedding's bytes.
 */
export function writeNpy(array: NpyArray, options: { half?: boolean } = {}): Uint8Array<ArrayBuffer> {
  const { descr, values } = encode(array, options.half ?? false)
  const shape = `(${array.dims.join(', ')}${array.dims.length === 1 ? ',' : ''})`
  const literal = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`
  // The values begin at a multiple of 64 bytes, so that a reader may map them; the header ends in a line feed.
  const header = `${literal.padEnd(Math.ceil((10 + literal.length + 1) / 64) * 64 - 11)}\n`
  const bytes = new Uint8Array(10 + header.length + values.byteLength)
  bytes.set(MAGIC)
  bytes[6] = 1
  new DataView(bytes.buffer).setUint16(8, header.length, true)
  bytes.set(Buffer.from(header, 'latin1'), 10)
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + header.length)
  return bytes
}

function decode({ descr, shape: dims, itemSize }: NpyHeader, values: Uint8Array): NpyArray {
  const kind = descr.slice(1, 2)
  if (kind === 'U' || kind === 'S')
    return { type: 'string', dims, data: strings(values, kind, itemSize, descr[0] === '>') }
  // Big-endian values, and those that do not lie at a multiple of their size, go to memory of their own.
  const swapped = descr[0] === '>' && itemSize > 1
  const aligned = values.byteOffset % itemSize === 0 && !swapped ? values : Uint8Array.from(values)
  const { buffer, byteOffset, byteLength } = aligned
  if (swapped) swap(aligned, itemSize)
  const length = byteLength / itemSize
  const at = [buffer, byteOffset, length] as const
  switch (`${kind}${itemSize}`) {
    case 'f2':
      return { type: 'float32', dims, data: Float32Array.from(new Float16Array(...at)) }
    case 'f4':
      return { type: 'float32', dims, data: new Float32Array(...at) }
    case 'f8':
      return { type: 'float64', dims, data: new Float64Array(...at) }
    case 'i1':
      return { type: 'int32', dims, data: Int32Array.from(new Int8Array(...at)) }
    case 'i2':
      return { type: 'int32', dims, data: Int32Array.from(new Int16Array(...at)) }
    case 'u2':
      return { type: 'int32', dims, data: Int32Array.from(new Uint16Array(...at)) }
    case 'i4':
      return { type: 'int32', dims, data: new Int32Array(...at) }
    case 'u4':
      return { type: 'int64', dims, data: BigInt64Array.from(new Uint32Array(...at), BigInt) }
    case 'i8':
      return { type: 'int64', dims, data: new BigInt64Array(...at) }
    case 'u8': {
      const data = new BigInt64Array(...at)
      if (data.some((value) => value < 0n)) return refuse('it has unsigned integers above 2^63 - 1')
      return { type: 'int64', dims, data }
    }
    default:
      return { type: kind === 'b' ? 'bool' : 'uint8', dims, data: new Uint8Array(...at) }
  }
}

function swap(bytes: Uint8Array, itemSize: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (itemSize === 2) buffer.swap16()
  else if (itemSize === 4) buffer.swap32()
  else buffer.swap64()
}

/** NumPy's strings have a fixed length, filled up with zeros: U in UTF-32, S in bytes, taken for Latin-1. */
function strings(values: Uint8Array, kind: 'U' | 'S', itemSize: number, bigEndian: boolean): string[] {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  const unit = kind === 'U' ? 4 : 1
  const found: string[] = []
  for (let start = 0; start < values.length; start += itemSize) {
    let text = ''
    let zeros = ''
    for (let at = start; at < start + itemSize; at += unit) {
      const code = kind === 'U' ? view.getUint32(at, !bigEndian) : view.getUint8(at)
      if (code > 0x10ffff) return refuse('it has a string with a code point that Unicode does not know')
      if (code === 0) zeros += '\0'
      else {
        text += zeros + String.fromCodePoint(code)
        zeros = ''
      }
    }
    found.push(text)
  }
  return found
}

function toRowMajor(array: NpyArray): NpyArray {
  const order = rowMajorOrder(array.dims)
  if (array.type === 'string') return { ...array, data: Array.from(order, (from) => array.data[from] ?? '') }
  const data = array.data.slice()
  for (let to = 0; to < order.length; to++) data[to] = array.data[order[to] ?? 0] ?? 0
  return { ...array, data } as NpyArray
}

/** For each element in C order, where it lies in Fortran order. */
function rowMajorOrder(dims: readonly number[]): Uint32Array {
  const order = new Uint32Array(elements(dims))
  const index = new Array<number>(dims.length).fill(0)
  const strides = dims.map((_, axis) => elements(dims.slice(0, axis)))
  let from = 0
  for (let to = 0; to < order.length; to++) {
    order[to] = from
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0
      const dimension = dims[axis] ?? 0
      const next = (index[axis] ?? 0) + 1
      from += stride
      index[axis] = next
      if (next < dimension) break
      from -= stride * dimension
      index[axis] = 0
    }
  }
  return order
}

function encode(array: NpyArray, half: boolean): { descr: string; values: ArrayBufferView } {
  switch (array.type) {
    case 'float32':
    case 'float64':
      if (half) return { descr: '<f2', values: Float16Array.from(array.data) }
      return { descr: array.type === 'float32' ? '<f4' : '<f8', values: array.data }
    case 'int64':
      return { descr: '<i8', values: array.data }
    case 'int32':
      return { descr: '<i4', values: array.data }
    case 'uint8':
      return { descr: '|u1', values: array.data }
    case 'bool':
      return { descr: '|b1', values: array.data }
    case 'string': {
      const points = array.data.map((text) => Array.from(text, (character) => character.codePointAt(0) ?? 0))
      const longest = Math.max(1, ...points.map((text) => text.length))
      const values = new Uint32Array(longest * points.length)
      points.forEach((text, row) => {
        values.set(text, row * longest)
      })
      return { descr: `<U${longest}`, values }
    }
  }
}
