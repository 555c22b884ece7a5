import type { IncomingMessage } from 'node:http'

/** Reads a body of at most `limit` bytes into memory. @throws what `tooLarge` makes, as soon as there are more. */
export async function readBody(stream: IncomingMessage, limit: number, tooLarge: () => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += (chunk as Uint8Array).byteLength
    if (size > limit) throw tooLarge()
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks)
}
