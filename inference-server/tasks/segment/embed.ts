import { createHash } from 'node:crypto'
import { FRAME, sam1Encoder } from '../../families/sam1.ts'
import { type Size, scaledSize } from '../../images/decode.ts'
import type { Model } from '../../runtime/model.ts'
import { type Work, workModule } from '../../runtime/offload.ts'
import { floatsOf, type Tensor } from '../../runtime/tensors.ts'
import type { InputFile, TaskContext } from '../task.ts'

export const work: Work<typeof import('./work.ts')> = workModule(new URL('./work.ts', import.meta.url))

/** An image that went through the encoder. */
export type EmbeddedImage = { embedding: Tensor & { type: 'float32' }; original: Size }

/**
 * The image's embedding, kept, so that further prompts on the same file cost the decoder only. `check` sees the picture's
 * size before the encoder runs, and throws for a request that does not suit it.
 */
export async function embedImage(
  encoder: Model,
  image: InputFile,
  context: TaskContext,
  check: (original: Size) => void = () => {},
): Promise<EmbeddedImage> {
  const kind = sam1Encoder(encoder.signature) ?? 'planes'
  const key = `${encoder.id} ${createHash('sha256').update(image.bytes).digest('base64')}`
  const embedded = await context.cached(key, async () => {
    const { original, pixels } = await context.decode(image, (size) => {
      check(size)
      return { ...scaledSize(size, FRAME), kernel: 'linear' }
    })
    const input = await context.offload(work, 'encoderInput', [kind, pixels], {
      phase: 'preprocess',
      transfer: [pixels.data.buffer],
    })
    const [inputName = ''] = encoder.signature.inputs.map(({ name }) => name)
    const [outputName = ''] = encoder.signature.outputs.map(({ name }) => name)
    const outputs = await context.run(encoder, { [inputName]: input }, { shared: true })
    const { dims, data } = floatsOf(outputs, outputName)
    const value: EmbeddedImage = { embedding: { type: 'float32', dims, data }, original }
    return { value, bytes: data.byteLength }
  })
  check(embedded.original)
  return embedded
}
