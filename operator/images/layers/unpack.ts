import { createHash } from 'node:crypto'
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { ZSTD_WINDOW_LOG } from '../bounds.ts'
import { ImageError } from '../errors.ts'
import type { Descriptor, ImageSource } from '../source.ts'
import { type TarEntry, TarError, tarIndex } from './tar.ts'

/** Why a layer was not read to its end, as a clause without its subject: "unpacks to more than 40 GB". */
export class LayerUnread extends Error {}

/** What may still be read; reading takes away from it. */
export type Allowance = {
  /** Bytes, unpacked. */
  unpacked: number
  /** Files, folders, links. */
  entries: number
}

export type LayerReading = {
  allowance: Allowance
  /** Answers whether to go on. */
  onEntry(entry: TarEntry): boolean
}

const CHUNK = 64 * 1024
const GZIP = [0x1f, 0x8b]
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd]
/** A frame that holds no data, with which some tools begin: the low half of the first byte is free. */
const ZSTD_SKIPPABLE = [0x2a, 0x4d, 0x18]

/** Stops a pipeline that has done its work. */
const DONE = new Error('done')

/**
 * Reads through a layer, packed with gzip, zstd, or not at all, and verifies its digest, unless it is told to stop before. Answers whether it
 * came to the end.
 * @throws LayerUnread; ImageError DigestMismatch; what the source throws
 */
export async function readLayer(
  source: ImageSource,
  layer: Descriptor,
  { allowance, onEntry }: LayerReading,
  signal: AbortSignal,
): Promise<boolean> {
  const input = (await source.blob(layer.digest, signal)).getReader()
  let sourceFailure: { error: unknown } | undefined
  let ended = false
  let stopped = false
  const hash = createHash('sha256')
  let read = 0

  const next = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await input.read().catch((error: unknown) => {
      sourceFailure = { error }
      throw error
    })
    if (!done) {
      read += value.byteLength
      if (read > layer.size) throw mismatch(layer)
      hash.update(value)
      return value
    }
    ended = true
    if (`sha256:${hash.digest('hex')}` !== layer.digest) throw mismatch(layer)
    return undefined
  }
  async function* packed(first: Uint8Array | undefined) {
    for (let chunk = first; chunk; chunk = await next()) yield chunk
  }
  const index = tarIndex((entry) => {
    if (stopped) return
    if (--allowance.entries < 0) throw new LayerUnread('has more files than are looked at')
    stopped = !onEntry(entry)
  })
  const sink = async (pieces: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const piece of pieces) {
      allowance.unpacked -= piece.byteLength
      if (allowance.unpacked < 0) throw new LayerUnread('unpacks to more than is looked at')
      index.write(piece)
      if (stopped) throw DONE
    }
    index.end()
    // What an unpacker leaves behind is no part of the archive, but of the digest.
    if (!ended) throw DONE
  }

  const onAbort = () => void input.cancel().catch(() => {})
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    const first = await next()
    if (first === undefined) throw new LayerUnread('is empty')
    const unpacker = unpackerOf(await atLeastFour(first, next))
    const stream = Readable.from(packed(unpacker.first), { objectMode: false })
    if (unpacker.transform) await pipeline(stream, unpacker.transform, sink, { signal })
    else await pipeline(stream, sink, { signal })
  } catch (error) {
    signal.throwIfAborted()
    if (sourceFailure) throw sourceFailure.error
    if (error instanceof TarError) throw new LayerUnread(error.message, { cause: error })
    if (error === DONE && !stopped) throw new LayerUnread('has something behind its end')
    if (error instanceof LayerUnread || error instanceof ImageError) throw error
    if (error !== DONE) throw new LayerUnread('cannot be unpacked', { cause: error })
  } finally {
    signal.removeEventListener('abort', onAbort)
    await input.cancel().catch(() => {})
  }
  return !stopped
}

/** A first piece that tells the format, though the network may have cut it anyhow. */
async function atLeastFour(first: Uint8Array, next: () => Promise<Uint8Array | undefined>): Promise<Uint8Array> {
  let piece = first
  while (piece.length < 4) {
    const more = await next()
    if (!more) break
    piece = Buffer.concat([piece, more])
  }
  return piece
}

/** By the first bytes, as container runtimes do: the media type is wrong often enough. */
function unpackerOf(first: Uint8Array): { first: Uint8Array; transform?: Transform } {
  const begins = (magic: number[], from = 0) => magic.every((byte, index) => first[from + index] === byte)
  if (begins(GZIP)) return { first, transform: createGunzip({ chunkSize: CHUNK }) }
  if (begins(ZSTD) || begins(ZSTD_SKIPPABLE, 1)) {
    const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG }
    return { first, transform: createZstdDecompress({ chunkSize: CHUNK, params }) }
  }
  return { first }
}

function mismatch({ digest }: Descriptor): ImageError {
  return new ImageError(
    'DigestMismatch',
    `The registry sent other content than the layer ${digest}. Look at the registry, or at a proxy before it.`,
  )
}
