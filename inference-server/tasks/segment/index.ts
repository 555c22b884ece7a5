import type { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import { exampleImage } from '../example-image.ts'
import { bestOf, type Candidates, meant, plane, type SamDecoder } from '../sam/decoder.ts'
import { samDecoder } from '../sam/decoders.ts'
import type { Prompt } from '../sam/prompt.ts'
import { type ConceptDecoder, sam3Decoder } from '../sam/sam3.ts'
import { defineTask, IMAGE_FILE, type InputFile, type TaskAnswer, type TaskContext } from '../task.ts'
import { answerWith, type Found } from './answer.ts'
import { MAX_INSTANCES, SegmentAnswer, SegmentFields } from './fields.ts'
import { checkWithin, readConcept, readPrompts } from './prompt.ts'

type Fields = z.output<typeof SegmentFields>

/** SAM 3's own: of two instances that share more than this of their pixels, the one with the lower score is dropped. */
const MOST_SHARED = 0.7

/** The masks of what points, boxes and text prompt, at the picture's own size. */
export const segment = defineTask({
  name: 'segment',
  summary: 'The masks of what points, boxes or a text prompt, at the picture’s own size.',
  files: { image: IMAGE_FILE },
  fields: SegmentFields,
  answer: SegmentAnswer,
  artifacts: {
    mask: {
      description: 'An 8-bit grey PNG, 255 inside; of several masks, their union.',
      contentTypes: ['image/png'],
    },
  },
  async bind({ models }) {
    const prompted = samDecoder(models)
    const concept = await sam3Decoder(models)
    if (!prompted && !concept) return undefined
    return {
      models: [...(prompted?.models ?? []), ...(concept?.models ?? [])],
      example: async () => ({ files: { image: await exampleImage() }, fields: { points: [[160, 120]] } }),
      perform({ files: { image }, fields }, context) {
        if (!image) throw new TypeError('the request was checked to have an image')
        if (prompted && fields.text === undefined) return segmentPrompted(prompted, image, fields, context)
        if (concept) return segmentConcept(concept, image, fields, context)
        throw new Failure(
          'InvalidPrompt',
          'A "text" is understood by SAM 3, which is not among the models of this server.',
        )
      },
    }
  },
})

/** What points and boxes mean, by SAM 1 or 2. */
async function segmentPrompted(
  sam: SamDecoder,
  image: InputFile,
  fields: Fields,
  context: TaskContext,
): Promise<TaskAnswer> {
  // The cheap checks come first: a bad prompt costs no decoding, a point outside costs no inference.
  const prompts = readPrompts(fields)
  if (!sam.takesBoxes && prompts.some(({ box }) => box)) {
    throw new Failure('InvalidPrompt', `The decoder of ${sam.encoder.family} takes points, but no boxes.`)
  }
  const embedded = await sam.encoder.embed(image, context, (size) => checkWithin(prompts, size))
  const candidates = await sam.decode(embedded, prompts, context)
  const found = candidates.flatMap((each, prompt) => choose(each, prompt, prompts, fields.alternatives))
  const listed = fields.prompts !== undefined || fields.alternatives
  return answerWith(found, { frame: sam.encoder.frame, original: embedded.original, fields, listed }, context)
}

function choose(of: Candidates, prompt: number, prompts: readonly Prompt[], alternatives: boolean): Found[] {
  const candidates = meant(of.scores.length, prompts[prompt]?.multimask ?? false)
  const best = bestOf(of.scores, candidates)
  return (alternatives ? candidates : [best]).map((at) => ({
    logits: plane(of, at),
    size: of.size,
    score: of.scores[at] ?? 0,
    prompt,
    shown: at === best,
  }))
}

/** All instances of what a text or examples mean, by SAM 3. */
async function segmentConcept(
  sam: ConceptDecoder,
  image: InputFile,
  fields: Fields,
  context: TaskContext,
): Promise<TaskAnswer> {
  const examples = readConcept(fields)
  const embedded = await sam.encoder.embed(image, context, (size) => checkWithin([examples], size))
  const { original } = embedded
  const concept = { text: fields.text, examples, minScore: fields.min_score, limit: MAX_INSTANCES }
  const { logits, size, scores } = await sam.find(embedded, concept, context)
  const found = logits.map((data, at) => ({ logits: data, size, score: scores[at] ?? 0, prompt: 0, shown: true }))
  return answerWith(found, { frame: sam.encoder.frame, original, fields, listed: true, distinct: MOST_SHARED }, context)
}
