import { z } from 'zod'
import { sam1 } from '../../families/sam1.ts'
import { exampleImage } from '../example-image.ts'
import { embedImage } from '../segment/embed.ts'
import { defineTask, IMAGE_FILE } from '../task.ts'

/** The image encoder's output, to be kept and prompted later: little-endian float32. */
export const getEmbedding = defineTask({
  name: 'get_embedding',
  summary: 'The image encoder’s output, to be kept and used elsewhere.',
  files: { image: IMAGE_FILE },
  fields: z.strictObject({}),
  answer: z.strictObject({
    shape: z.array(z.int()),
    dtype: z.literal('float32'),
    embedding_size_mb: z.number(),
    image_size: z.tuple([z.int(), z.int()]).describe('[width, height]'),
    model: z.string(),
  }),
  artifacts: {
    embedding: { description: 'Little-endian float32, row-major.', contentTypes: ['application/octet-stream'] },
  },
  bind({ models }) {
    const { encoder } = models.parts(sam1) ?? {}
    if (!encoder) return undefined
    return {
      models: [encoder],
      example: async () => ({ files: { image: await exampleImage() }, fields: {} }),
      async perform({ files: { image } }, context) {
        if (!image) throw new TypeError('the request was checked to have an image')
        const { embedding, original } = await embedImage(encoder, image, context)
        const { buffer, byteOffset, byteLength } = embedding.data
        return {
          fields: {
            shape: embedding.dims,
            dtype: 'float32',
            embedding_size_mb: Math.round((byteLength / 1024 / 1024) * 1000) / 1000,
            image_size: [original.width, original.height],
            model: encoder.file,
          },
          artifacts: {
            embedding: {
              forms: [
                {
                  contentType: 'application/octet-stream',
                  suffix: '_embedding.bin',
                  body: () => new Uint8Array(buffer, byteOffset, byteLength),
                },
              ],
            },
          },
        }
      },
    }
  },
})
