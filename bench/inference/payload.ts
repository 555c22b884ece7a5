import { postJson } from './http-client.ts'

/** A request of a workload: its JSON, and whether every copy sent must be a picture that the server has not seen. */
export type Request = { json: Record<string, unknown>; unique: boolean }

/** JPEG: start of image, then a comment segment (marker FF FE, length, text): ITU-T T.81, B.2.4.5. */
const SOI_BYTES = 2
const COMMENT_TEXT_BYTES = 12
/** SOI, marker and length are six bytes: the text begins on a boundary of base64's groups of three. */
const COMMENT_TEXT_IN_BASE64 = ((SOI_BYTES + 4) / 3) * 4

/** The JPEG with a comment of twelve digits after its first marker: decoded to the same pixels, but other bytes for each number. */
export function withComment(jpeg: Buffer): Buffer {
  const head = Buffer.alloc(SOI_BYTES + 4 + COMMENT_TEXT_BYTES, '0')
  head.writeUInt16BE(0xffd8, 0)
  head.writeUInt16BE(0xfffe, SOI_BYTES)
  head.writeUInt16BE(2 + COMMENT_TEXT_BYTES, SOI_BYTES + 2)
  return Buffer.concat([head, jpeg.subarray(SOI_BYTES)])
}

/**
 * The bytes of one request after the other for one connection; valid until the next call. A picture's comment is overwritten in place, so
 * that neither the load generator spends time on making pictures nor a cache of the server helps it.
 */
export function payload(request: Request): (serial: number) => Buffer {
  const bytes = postJson('/invocations', JSON.stringify(request.json))
  if (!request.unique) return () => bytes
  const marker = '"image":"'
  const at = bytes.indexOf(marker)
  if (at < 0) throw new Error('a unique request has an image')
  const text = at + marker.length + COMMENT_TEXT_IN_BASE64
  return (serial) => {
    const digits = String(serial).padStart(COMMENT_TEXT_BYTES, '0')
    bytes.write(Buffer.from(digits).toString('base64'), text, 'latin1')
    return bytes
  }
}
