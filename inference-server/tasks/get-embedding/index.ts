import { EMBEDDING_SHAPE } from '../../runtime/operations.ts'
import { embedImage } from '../embed.ts'
import type { Task } from '../task.ts'

/** The image encoder's output, to be kept and prompted later: little-endian float32. */
export const getEmbedding: Task = {
  name: 'get_embedding',
  async perform(request, dependencies) {
    const { embedding, original } = await embedImage(request, dependencies)
    const bytes = new Uint8Array(embedding.buffer)
    return {
      json: () => ({
        task: 'get_embedding',
        embedding: Buffer.from(embedding.buffer).toString('base64'),
        shape: EMBEDDING_SHAPE,
        dtype: 'float32',
        embedding_size_mb: Math.round((bytes.byteLength / 1024 / 1024) * 1000) / 1000,
        image_size: [original.width, original.height],
        model: dependencies.pool.description(),
      }),
      binary: { contentType: 'application/octet-stream', body: () => bytes },
    }
  },
}
