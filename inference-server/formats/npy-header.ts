import { Failure } from '../core/errors.ts'
import { elements } from '../runtime/tensors.ts'

export type NpyHeader = {
  /** The element's type as NumPy writes it, such as `<f4`. */
  descr: string
  fortranOrder: boolean
  shape: readonly number[]
  /** Where the values begin; the rest of the file has them and nothing else. */
  dataOffset: number
  /** Bytes of one element. */
  itemSize: number
}

export const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)

/** NumPy's own limit (`max_header_size`), against headers that take long to read. */
const MAX_HEADER_BYTES = 10_000
/** NumPy's own limit on dimensions since 2.0. */
const MAX_RANK = 64

export const refuse = (message: string): never => {
  throw new Failure('InvalidRequest', `This is no NumPy array that can be read: ${message}.`)
}

/**
 * Reads what an array's header says. `bytes` need only hold the header; it is checked against the file's length by `fileBytes`.
 * @throws Failure InvalidRequest for other files, damaged headers, and headers that promise more or less than there is.
 */
export function readNpyHeader(bytes: Uint8Array, fileBytes = bytes.length): NpyHeader {
  if (bytes.length < 10 || !MAGIC.every((byte, index) => bytes[index] === byte)) {
    return refuse('it does not begin with the magic string \\x93NUMPY')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint8(6)
  if (version < 1 || version > 3) return refuse(`its version is ${version}.${view.getUint8(7)}; 1, 2 and 3 are known`)
  const start = version === 1 ? 10 : 12
  if (bytes.length < start) return refuse('its header is cut off')
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > MAX_HEADER_BYTES) return refuse(`its header has ${length} bytes, more than ${MAX_HEADER_BYTES}`)
  const dataOffset = start + length
  if (bytes.length < dataOffset) return refuse('its header is cut off')
  const encoding = version === 3 ? 'utf8' : 'latin1'
  const header = parseHeader(Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString(encoding))
  const itemSize = itemSizeOf(header.descr)
  const promised = elements(header.shape) * itemSize
  if (!Number.isSafeInteger(promised) || promised !== fileBytes - dataOffset) {
    return refuse(`its header promises ${promised} bytes of values, and ${fileBytes - dataOffset} follow`)
  }
  return { ...header, dataOffset, itemSize }
}

function parseHeader(text: string): { descr: string; fortranOrder: boolean; shape: readonly number[] } {
  const descr = /'descr':\s*'([^']{1,32})'/.exec(text)?.[1]
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1]
  const dimensions = /'shape':\s*\(([\d\s,L]*)\)/.exec(text)?.[1]
  if (descr === undefined || order === undefined || dimensions === undefined) {
    if (/'descr':\s*\[/.test(text)) return refuse('it is a structured array; send plain numbers')
    return refuse('its header does not have descr, fortran_order and shape')
  }
  // Python 2 wrote long integers as 3L.
  const shape = dimensions
    .split(',')
    .map((dimension) => dimension.replace('L', '').trim())
    .filter((dimension) => dimension !== '')
    .map(Number)
  if (shape.length > MAX_RANK) return refuse(`it has ${shape.length} dimensions, more than ${MAX_RANK}`)
  if (!shape.every(Number.isSafeInteger)) return refuse('its shape has a dimension that is no whole number')
  return { descr, fortranOrder: order === 'True', shape }
}

function itemSizeOf(descr: string): number {
  const match = /^[<>|=]([fiubSU])(\d{1,9})$/.exec(descr)
  const size = Number(match?.[2])
  if (size === 0) return refuse('its strings have no characters')
  const kind = match?.[1] ?? ''
  const known: Readonly<Record<string, readonly number[]>> = { f: [2, 4, 8], i: [1, 2, 4, 8], u: [1, 2, 4, 8], b: [1] }
  if (kind === 'U') return size * 4
  if (kind === 'S') return size
  if (known[kind]?.includes(size)) return size
  if (/O/.test(descr)) return refuse('it holds Python objects, which only Python can read; save numbers or strings')
  return refuse(`its type is ${descr}; booleans, integers, floats and strings are known`)
}
