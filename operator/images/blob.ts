import { ANSWER_TIMEOUT_MS } from './bounds.ts'
import { DIGEST, digestOf } from './digest.ts'
import { ImageError, timed } from './errors.ts'
import type { ImageSource } from './source.ts'

/**
 * Reads a blob wholly, and verifies it.
 * @param maxBytes beyond them it is given up
 * @throws ImageError DigestMismatch; RangeError where it is larger; what the source throws
 */
export async function readBlob(
  source: ImageSource,
  digest: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!DIGEST.test(digest)) throw new TypeError('not a sha256 digest')
  const bytes = await timed('Reading a part of the image', ANSWER_TIMEOUT_MS, signal, async (until) =>
    readAtMost(await source.blob(digest, until), maxBytes),
  )
  if (digestOf(bytes) !== digest)
    throw new ImageError(
      'DigestMismatch',
      `The registry sent other content than ${digest}. Look at the registry, or at a proxy before it.`,
    )
  return bytes
}

/** @throws RangeError for a stream of more bytes, which is cancelled then */
export async function readAtMost(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of stream) {
    total += chunk.byteLength
    if (total > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, total)
}
