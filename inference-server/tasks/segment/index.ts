import { Failure } from '../../core/errors.ts'
import { encodeGreyscalePng } from '../../images/png.ts'
import { type Work, workModule } from '../../runtime/offload.ts'
import { exampleImage } from '../example-image.ts'
import { bestOf, type Candidates, meant, plane } from '../sam/decoder.ts'
import { samDecoder } from '../sam/decoders.ts'
import type { Prompt } from '../sam/prompt.ts'
import { defineTask, IMAGE_FILE } from '../task.ts'
import { MAX_POLYGONS, SegmentAnswer, SegmentFields } from './fields.ts'
import { checkWithin, readPrompts } from './prompt.ts'
import type { MaskFacts } from './work.ts'

const work: Work<typeof import('./work.ts')> = workModule(new URL('./work.ts', import.meta.url))

/** The masks of what points and boxes prompt, at the picture's own size. */
export const segment = defineTask({
  name: 'segment',
  summary: 'The masks of what points and boxes prompt, at the picture’s own size.',
  files: { image: IMAGE_FILE },
  fields: SegmentFields,
  answer: SegmentAnswer,
  artifacts: {
    mask: {
      description: 'An 8-bit grey PNG, 255 inside; of several prompts’ masks, their union.',
      contentTypes: ['image/png'],
    },
  },
  bind({ models }) {
    const sam = samDecoder(models)
    if (!sam) return undefined
    return {
      models: sam.models,
      example: async () => ({ files: { image: await exampleImage() }, fields: { points: [[160, 120]] } }),
      async perform({ files: { image }, fields }, context) {
        // The cheap checks come first: a bad prompt costs no decoding, a point outside costs no inference.
        const prompts = readPrompts(fields)
        if (!sam.takesBoxes && prompts.some(({ box }) => box)) {
          throw new Failure('InvalidPrompt', `The decoder of ${sam.encoder.family} takes points, but no boxes.`)
        }
        if (!image) throw new TypeError('the request was checked to have an image')
        const embedded = await sam.encoder.embed(image, context, (size) => checkWithin(prompts, size))
        const candidates = await sam.decode(embedded, prompts, context)
        const masks = candidates.flatMap((each, prompt) => choose(each, prompt, prompts, fields.alternatives))
        const shown = masks.flatMap(({ best }, at) => (best ? [at] : []))
        const { union, each } = await context.offload(work, 'masksOf', [
          masks.map(({ of, at }) => ({ ...of.size, data: plane(of, at) })),
          shown,
          sam.encoder.frame,
          embedded.original,
          {
            rle: fields.rle,
            polygons: fields.polygons ? { epsilon: fields.polygon_epsilon, limit: MAX_POLYGONS } : undefined,
          },
        ])
        const told = masks.map((mask, at) => ({
          ...describeMask(each[at] ?? union, mask.of.scores[mask.at] ?? 0),
          prompt: mask.prompt,
        }))
        const [first = 0, ...others] = shown
        const { prompt: _, ...single } = told[first] ?? { prompt: 0, ...describeMask(union, 0) }
        const lowest = Math.min(...shown.map((at) => told[at]?.confidence_score ?? 0))
        return {
          fields: {
            ...(others.length > 0 ? describeMask(union, lowest) : single),
            mask_size: [union.width, union.height],
            ...(fields.prompts || fields.alternatives ? { masks: told } : {}),
          },
          artifacts: {
            mask: {
              forms: [
                {
                  contentType: 'image/png',
                  suffix: '_mask.png',
                  body: () => context.phases.time('encode', () => encodeGreyscalePng(union.pixels, union)),
                },
              ],
            },
          },
        }
      },
    }
  },
})

/** One of a prompt's candidates that is answered with. */
type Chosen = { prompt: number; of: Candidates; at: number; best: boolean }

function choose(of: Candidates, prompt: number, prompts: readonly Prompt[], alternatives: boolean): Chosen[] {
  const candidates = meant(of.scores.length, prompts[prompt]?.multimask ?? false)
  const best = bestOf(of.scores, candidates)
  return (alternatives ? candidates : [best]).map((at) => ({ prompt, of, at, best: at === best }))
}

function describeMask({ area, boundingBox, rle, outlines }: MaskFacts, score: number) {
  return {
    confidence_score: Math.round(score * 10_000) / 10_000,
    area,
    bounding_box: boundingBox ?? null,
    ...(rle ? { rle } : {}),
    ...(outlines ? { polygons: outlines.polygons, polygons_omitted: outlines.omitted } : {}),
  }
}
