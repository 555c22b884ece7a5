import { createHash } from 'node:crypto'

/** Up to here hashing takes less than asking libuv's threads to. */
const HASHED_AT_ONCE = 256 * 1024

/** The SHA-256 of a file, in base64, which may have tens of megabytes: the event loop does not wait for those. */
export async function digest(bytes: Uint8Array): Promise<string> {
  if (bytes.byteLength <= HASHED_AT_ONCE) return createHash('sha256').update(bytes).digest('base64')
  const buffer = bytes.buffer instanceof ArrayBuffer ? bytes.buffer : new Uint8Array(bytes).buffer
  const offset = buffer === bytes.buffer ? bytes.byteOffset : 0
  const whole = new Uint8Array(buffer, offset, bytes.byteLength)
  return Buffer.from(await crypto.subtle.digest('SHA-256', whole)).toString('base64')
}
