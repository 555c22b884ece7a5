import { createHash } from 'node:crypto'
import { decodeImage, type Size } from '../images/decode.ts'
import { FRAME } from '../runtime/sam1.ts'
import type { EmbeddedImage, TaskDependencies, TaskRequest } from './task.ts'

/**
 * The image's embedding, from the cache when the same file was seen before: further prompts then cost the decoder only.
 * `check` sees the picture's size before the encoder runs, and throws for a request that does not suit it.
 */
export async function embedImage(
  request: TaskRequest,
  dependencies: TaskDependencies,
  check: (original: Size) => void = () => {},
): Promise<EmbeddedImage> {
  const { phases, run } = request
  const key = createHash('sha256').update(request.image).digest('base64')
  const known = dependencies.embeddings.get(key)
  if (known) {
    check(known.original)
    return known
  }
  const { original, scaled } = await phases.time('decode', () =>
    decodeImage(request.image, { maxPixels: dependencies.maxImagePixels, longestSide: FRAME }),
  )
  check(original)
  const embedding = await phases.time('encoder', () =>
    dependencies.pool.run('embed', { image: scaled }, { ...run, transfer: [scaled.data.buffer] }),
  )
  const embedded = { embedding, original }
  dependencies.embeddings.set(key, embedded)
  return embedded
}
