/**
 * The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding), as far as ONNX files need it: what is not
 * understood is kept as it is, so that a file can be changed in one place without knowing all of its schema.
 */
export type Field =
  | { number: number; wire: 'varint'; value: bigint; raw: Uint8Array }
  | { number: number; wire: 'bytes'; value: Uint8Array; raw: Uint8Array }
  | { number: number; wire: 'fixed32' | 'fixed64'; value: Uint8Array; raw: Uint8Array }

/** The fields of a message, in their order; `raw` is the whole field, to be copied. @throws Error for bytes that are no message */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++]
      if (byte === undefined) throw new Error('a protobuf message is cut off')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw new Error('a protobuf integer has more than ten bytes')
  }
  const take = (length: number): Uint8Array => {
    if (!(length >= 0) || at + length > message.length) throw new Error('a protobuf message is cut off')
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const start = at
    const tag = varint()
    const number = Number(tag >> 3n)
    const type = Number(tag & 7n)
    const raw = () => message.subarray(start, at)
    if (type === 0) {
      const value = varint()
      yield { number, wire: 'varint', value, raw: raw() }
    } else if (type === 2) {
      const value = take(Number(varint()))
      yield { number, wire: 'bytes', value, raw: raw() }
    } else if (type === 5 || type === 1) {
      const value = take(type === 5 ? 4 : 8)
      yield { number, wire: type === 5 ? 'fixed32' : 'fixed64', value, raw: raw() }
    } else throw new Error(`a protobuf field has the unknown wire type ${type}`)
  }
}

/** A field with an integer; negative ones take ten bytes, as the format says. */
export function integerField(number: number, value: number | bigint): Uint8Array {
  return concatenated([varintBytes(BigInt(number) << 3n), varintBytes(BigInt.asUintN(64, BigInt(value)))])
}

/** A field with bytes, a string or a message inside. */
export function bytesField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return concatenated([varintBytes((BigInt(number) << 3n) | 2n), varintBytes(BigInt(bytes.length)), bytes])
}

/** A message of fields that are already encoded. */
export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')

function varintBytes(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
