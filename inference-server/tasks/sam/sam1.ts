import type { Models } from '../../families/family.ts'
import { sam1 } from '../../families/sam1.ts'
import { float32, floatsOf } from '../../runtime/tensors.ts'
import type { SamDecoder } from './decoder.ts'
import { encoderOf } from './encoder.ts'
import { padded, pointsInFrame } from './frame.ts'
import { NO_MASK, NO_MASK_GIVEN } from './no-mask.ts'

/** The decoder is told of a small picture: low_res_masks does not depend on its size, and the full-size masks then cost little. */
const DUMMY_SIZE = [64, 64] as const

/** SAM 1 by Meta's decoder, which knows one prompt at a time. */
export function sam1Decoder(models: Models): SamDecoder | undefined {
  const { decoder } = models.parts(sam1) ?? {}
  const encoder = encoderOf(sam1, models)
  if (!decoder || !encoder) return undefined
  return {
    encoder,
    models: [encoder.model, decoder],
    takesBoxes: true,
    decode: ({ original, tensors }, prompts, context) =>
      Promise.all(
        prompts.map(async (prompt) => {
          const [embedding] = Object.values(tensors)
          if (!embedding) throw new TypeError('the encoder was checked to give an embedding')
          const points = pointsInFrame(prompt, encoder.frame, original)
          // Only a box goes without the point of padding, as in Meta's own callers.
          const { coords, labels } = prompt.box ? points : padded(points)
          const outputs = await context.run(
            decoder,
            {
              image_embeddings: embedding,
              point_coords: float32([1, labels.length, 2], coords),
              point_labels: float32([1, labels.length], labels),
              mask_input: NO_MASK,
              has_mask_input: NO_MASK_GIVEN,
              orig_im_size: float32([2], DUMMY_SIZE),
            },
            { outputs: ['low_res_masks', 'iou_predictions'] },
          )
          const { dims, data } = floatsOf(outputs, 'low_res_masks')
          return {
            logits: data,
            size: { width: dims[3] ?? 0, height: dims[2] ?? 0 },
            scores: Array.from(floatsOf(outputs, 'iou_predictions').data),
          }
        }),
      ),
  }
}
