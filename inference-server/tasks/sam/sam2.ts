import type { Models } from '../../families/family.ts'
import { SAM2_LEVELS, sam2 } from '../../families/sam2.ts'
import type { Size } from '../../images/decode.ts'
import type { Model } from '../../runtime/model.ts'
import { float32, floatsOf, int64, type Tensor, type Tensors } from '../../runtime/tensors.ts'
import type { TaskContext } from '../task.ts'
import type { Candidates, SamDecoder } from './decoder.ts'
import { type EmbeddedImage, encoderOf } from './encoder.ts'
import { type FramePoints, pointsInFrame } from './frame.ts'
import { inGroups } from './groups.ts'
import { NO_MASK, NO_MASK_GIVEN, noMasks } from './no-mask.ts'

/** What masks are to be given at by exports that scale them themselves: what they have anyhow. */
const LOW_RES: Size = { width: 256, height: 256 }

/** SAM 2 by samexporter's decoder, which takes several prompts of as many points each in one run, and adds the padding itself. */
export function sam2Decoder(models: Models): SamDecoder | undefined {
  const { decoder } = models.parts(sam2) ?? {}
  const encoder = encoderOf(sam2, models)
  if (!decoder || !encoder) return undefined
  return {
    encoder,
    models: [encoder.model, decoder],
    takesBoxes: true,
    decode(image, prompts, context) {
      const points = prompts.map((prompt) => pointsInFrame(prompt, encoder.frame, image.original))
      const together =
        typeof decoder.signature.inputs.find(({ name }) => name === 'point_coords')?.shape[0] === 'string'
      return inGroups(
        points,
        ({ labels }) => labels.length,
        together ? points.length : 1,
        (group) => run(decoder, image, group, context),
      )
    },
  }
}

async function run(decoder: Model, { tensors }: EmbeddedImage, group: readonly FramePoints[], context: TaskContext) {
  const [count, each] = [group.length, group[0]?.labels.length ?? 0]
  const features: Record<string, Tensor> = {}
  for (const name of SAM2_LEVELS) {
    const level = tensors[name]
    if (!level) throw new TypeError(`the encoder was checked to give ${name}`)
    features[name] = level
  }
  const outputs = await context.run(
    decoder,
    {
      ...features,
      point_coords: float32(
        [count, each, 2],
        group.flatMap(({ coords }) => coords),
      ),
      point_labels: float32(
        [count, each],
        group.flatMap(({ labels }) => labels),
      ),
      mask_input: count === 1 ? NO_MASK : noMasks(count),
      has_mask_input: NO_MASK_GIVEN,
      ...originalSize(decoder),
    },
    { outputs: ['masks', 'iou_predictions'] },
  )
  return candidatesOf(outputs, 'masks', 'iou_predictions', count)
}

function originalSize(decoder: Model): Tensors {
  const input = decoder.signature.inputs.find(({ name }) => name === 'orig_im_size')
  if (!input) return {}
  const size = [LOW_RES.height, LOW_RES.width]
  if (input.type === 'int64') return { orig_im_size: int64([2], size) }
  if (input.type === 'int32') return { orig_im_size: { type: 'int32', dims: [2], data: Int32Array.from(size) } }
  return { orig_im_size: float32([2], size) }
}

/** Splits a decoder's planes [.., count, K, h, w] and scores [.., count, K] by prompts. */
export function candidatesOf(outputs: Tensors, masks: string, scores: string, count: number): Candidates[] {
  const { dims, data } = floatsOf(outputs, masks)
  const predicted = floatsOf(outputs, scores).data
  const [height, width] = [dims.at(-2) ?? 0, dims.at(-1) ?? 0]
  const planes = predicted.length / count
  const size = planes * width * height
  return Array.from({ length: count }, (_, at) => ({
    logits: data.subarray(at * size, (at + 1) * size),
    size: { width, height },
    scores: Array.from(predicted.subarray(at * planes, (at + 1) * planes)),
  }))
}
