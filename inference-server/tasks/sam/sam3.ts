import { Failure } from '../../core/errors.ts'
import type { Models } from '../../families/family.ts'
import { sam3 } from '../../families/sam3.ts'
import type { Size } from '../../images/decode.ts'
import { fits, type Model } from '../../runtime/model.ts'
import { float32, floatsOf, int64, type Tensor, type Tensors } from '../../runtime/tensors.ts'
import { type ClipTokenizer, readClipTokenizer } from '../../text/clip-tokenizer.ts'
import type { TaskContext } from '../task.ts'
import { type EmbeddedImage, encoderOf, type SamEncoder } from './encoder.ts'
import type { Prompt } from './prompt.ts'

/** What was found of a concept: each instance's logits at low resolution, over the whole picture, by falling score. */
export type Instances = { logits: Float32Array<ArrayBuffer>[]; size: Size; scores: number[] }

/** A SAM that segments all instances of what a text says, or of what boxes are examples of. */
export type ConceptDecoder = {
  encoder: SamEncoder
  models: readonly Model[]
  /** At most `limit` instances with a score over `minScore`. @throws Failure InvalidPrompt */
  find(
    image: EmbeddedImage,
    concept: {
      text: string | undefined
      examples: Pick<Prompt, 'points' | 'labels' | 'box'>
      minScore: number
      limit: number
    },
    context: TaskContext,
  ): Promise<Instances>
}

/** What the language encoder takes, start and end included; shorter texts are filled up with zeros. */
const TOKENS = 32
/** As many as a text of this length can have: to see that it is too long, rather than cut it. */
const MANY_TOKENS = 1024
/** What SAM 3 takes where boxes alone say what is meant, as tokens of CLIP's whole vocabulary: start, "visual", end. */
const VISUAL = 'visual'
export const VISUAL_TOKENS: readonly number[] = [49_406, 7195, 49_407]
/** A point is a box of one hundredth of the picture's sides, as in samexporter: SAM 3's exported detector takes no points. */
const POINT_SIDE = 0.01

/** SAM 3 by samexporter's three graphs; undefined when they are not all there. */
export async function sam3Decoder(models: Models): Promise<ConceptDecoder | undefined> {
  const { decoder, language } = models.parts(sam3) ?? {}
  const encoder = encoderOf(sam3, models)
  if (!decoder || !language || !encoder) return undefined
  const tokenizer = await readClipTokenizer(models.directory, language.file)
  const inputs = new Map(decoder.signature.inputs.map((input) => [input.name, input]))
  const first = inputs.get('box_coords')?.shape[0]
  const capacity = typeof first === 'number' ? first : undefined

  async function languageFeatures(model: Model, text: string, context: TaskContext): Promise<Tensors> {
    const tokens = tokensOf(text, tokenizer)
    const { text_attention_mask, text_memory, text_embeds } = await context.cached(
      `${model.id} ${tokens}`,
      async () => {
        const [input] = model.signature.inputs
        const outputs = await context.run(model, { [input?.name ?? '']: int64([1, TOKENS], tokens) }, { shared: true })
        const bytes = Object.values(outputs).reduce((sum, { data }) => sum + data.length * 4, 0)
        return { value: outputs, bytes }
      },
    )
    if (!text_attention_mask || !text_memory || !text_embeds) throw new TypeError('the family was checked')
    return { language_mask: text_attention_mask, language_features: text_memory, language_embeds: text_embeds }
  }

  return {
    encoder,
    models: [encoder.model, language, decoder],
    async find({ original, tensors }, { text, examples, minScore, limit }, context) {
      const boxes = exampleBoxes(examples, original)
      if (capacity !== undefined && boxes.length > capacity) {
        throw new Failure(
          'InvalidPrompt',
          `The decoder of SAM 3 takes ${capacity} boxes and points; ${boxes.length} are given.`,
        )
      }
      const feeds: Record<string, Tensor> = {
        ...tensors,
        ...(await languageFeatures(language, text ?? VISUAL, context)),
        ...geometry(boxes, capacity ?? Math.max(1, boxes.length)),
        original_height: { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(original.height)) },
        original_width: { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(original.width)) },
      }
      // Simplified graphs have lost the inputs that they do not need.
      const asked = Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.has(name)))
      const outputs = await context.run(decoder, asked, {
        outputs: ['pred_logits', 'pred_masks', 'presence_logit_dec'],
      })
      return instancesOf(outputs, minScore, limit)
    },
  }
}

function tokensOf(text: string, tokenizer: ClipTokenizer | undefined): number[] {
  if (!tokenizer && text !== VISUAL) {
    throw new Failure(
      'InvalidPrompt',
      'This server takes no text: there is no tokenizer.json beside the models of SAM 3.',
    )
  }
  const tokens = tokenizer?.tokens(text, MANY_TOKENS) ?? VISUAL_TOKENS
  if (tokens.length > TOKENS) {
    throw new Failure('InvalidPrompt', `The text has ${tokens.length - 2} tokens; SAM 3 takes ${TOKENS - 2}.`)
  }
  return [...tokens, ...new Array<number>(TOKENS - tokens.length).fill(0)]
}

type ExampleBox = { centre: [number, number]; sides: [number, number]; label: 0 | 1 }

/** Boxes in units of the picture's sides. */
function exampleBoxes(
  { points, labels, box }: Pick<Prompt, 'points' | 'labels' | 'box'>,
  { width, height }: Size,
): ExampleBox[] {
  const boxes: ExampleBox[] = []
  if (box) {
    const [left, top, right, bottom] = box
    boxes.push({
      centre: [(left + right) / 2 / width, (top + bottom) / 2 / height],
      sides: [(right - left) / width, (bottom - top) / height],
      label: 1,
    })
  }
  for (const [at, [x, y]] of points.entries()) {
    boxes.push({ centre: [x / width, y / height], sides: [POINT_SIDE, POINT_SIDE], label: labels[at] ?? 1 })
  }
  return boxes
}

/** `box_coords` [n, 1, 4], `box_labels` [n, 1] and `box_masks` [1, n], which is true for the places that hold no box. */
function geometry(boxes: readonly ExampleBox[], places: number): Tensors {
  const coords = new Float32Array(4 * places)
  const labels = Array.from({ length: places }, (_, at): number => boxes[at]?.label ?? 1)
  for (const [at, { centre, sides }] of boxes.entries()) coords.set([...centre, ...sides], 4 * at)
  return {
    box_coords: float32([places, 1, 4], coords),
    box_labels: int64([places, 1], labels),
    box_masks: {
      type: 'bool',
      dims: [1, places],
      data: Uint8Array.from(labels, (_, at) => (at < boxes.length ? 0 : 1)),
    },
  }
}

/** SAM 3's Sam3Processor: an instance counts by its own probability times that of the concept being there at all. */
function instancesOf(outputs: Tensors, minScore: number, limit: number): Instances {
  const presence = sigmoid(floatsOf(outputs, 'presence_logit_dec').data[0] ?? 0)
  const scores = Array.from(floatsOf(outputs, 'pred_logits').data, (logit) => sigmoid(logit) * presence)
  const { dims, data } = floatsOf(outputs, 'pred_masks')
  if (!fits(dims, [1, scores.length, undefined, undefined])) throw new TypeError(`pred_masks is [${dims.join(',')}]`)
  const size = { width: dims[3] ?? 0, height: dims[2] ?? 0 }
  const area = size.width * size.height
  const kept = [...scores.keys()]
    .filter((at) => (scores[at] ?? 0) > minScore)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
    .slice(0, limit)
  return {
    logits: kept.map((at) => new Float32Array(data.subarray(at * area, (at + 1) * area))),
    size,
    scores: kept.map((at) => scores[at] ?? 0),
  }
}

const sigmoid = (value: number) => 1 / (1 + Math.exp(-value))
