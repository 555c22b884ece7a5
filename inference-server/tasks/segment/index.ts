import { z } from 'zod'
import { chooseMask, decoderPoints, LOW_RES, sam1 } from '../../families/sam1.ts'
import { encodeGreyscalePng } from '../../images/png.ts'
import { float32, floatsOf } from '../../runtime/tensors.ts'
import { exampleImage } from '../example-image.ts'
import { defineTask, IMAGE_FILE } from '../task.ts'
import { embedImage, work } from './embed.ts'
import { checkWithin, PromptFields, readPrompt } from './prompt.ts'

/** The decoder is told of a small picture: low_res_masks does not depend on its size, and the full-size masks then cost little. */
const DUMMY_SIZE = [64, 64] as const

/** The mask of what points or a box prompt, at the picture's own size. */
export const segment = defineTask({
  name: 'segment',
  summary: 'The mask of what points or a box prompt, at the picture’s own size.',
  files: { image: IMAGE_FILE },
  fields: PromptFields,
  answer: z.strictObject({
    confidence_score: z.number().describe('The model’s own estimate of the mask’s IoU.'),
    mask_size: z.tuple([z.int(), z.int()]).describe('[width, height]'),
    area: z.int().describe('Pixels inside.'),
    bounding_box: z
      .tuple([z.int(), z.int(), z.int(), z.int()])
      .nullable()
      .describe('[left, top, right, bottom], right and bottom exclusive; null for an empty mask.'),
  }),
  artifacts: { mask: { description: 'An 8-bit grey PNG, 255 inside.', contentTypes: ['image/png'] } },
  bind({ models }) {
    const { encoder, decoder } = models.parts(sam1) ?? {}
    if (!encoder || !decoder) return undefined
    return {
      models: [encoder, decoder],
      example: async () => ({ files: { image: await exampleImage() }, fields: { points: [[160, 120]] } }),
      async perform({ files: { image }, fields }, context) {
        // The cheap checks come first: a bad prompt costs no decoding, a point outside costs no inference.
        const prompt = readPrompt(fields)
        if (!image) throw new TypeError('the request was checked to have an image')
        const { embedding, original } = await embedImage(encoder, image, context, (size) => checkWithin(prompt, size))
        const { coords, labels } = decoderPoints(prompt, original)
        const outputs = await context.run(
          decoder,
          {
            image_embeddings: embedding,
            point_coords: float32([1, labels.length, 2], coords),
            point_labels: float32([1, labels.length], labels),
            mask_input: float32([1, 1, LOW_RES, LOW_RES], new Float32Array(LOW_RES * LOW_RES)),
            has_mask_input: float32([1], [0]),
            orig_im_size: float32([2], DUMMY_SIZE),
          },
          { outputs: ['low_res_masks', 'iou_predictions'] },
        )
        const scores = floatsOf(outputs, 'iou_predictions').data
        const planes = floatsOf(outputs, 'low_res_masks').data
        const chosen = chooseMask(scores, prompt.multimask)
        const mask = await context.offload(work, 'maskOf', [planes, chosen, original])
        return {
          fields: {
            confidence_score: Math.round((scores[chosen] ?? 0) * 10_000) / 10_000,
            mask_size: [mask.width, mask.height],
            area: mask.area,
            bounding_box: mask.boundingBox ?? null,
          },
          artifacts: {
            mask: {
              forms: [
                {
                  contentType: 'image/png',
                  suffix: '_mask.png',
                  body: () => context.phases.time('encode', () => encodeGreyscalePng(mask.pixels, mask)),
                },
              ],
            },
          },
        }
      },
    }
  },
})
