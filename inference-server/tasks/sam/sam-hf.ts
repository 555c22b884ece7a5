import type { Family, Models } from '../../families/family.ts'
import { SAM_HF_EMBEDDINGS, SAM2_HF_EMBEDDINGS, sam2Hf, samHf } from '../../families/sam-hf.ts'
import type { Model } from '../../runtime/model.ts'
import { float32, int64, type Tensor } from '../../runtime/tensors.ts'
import type { TaskContext } from '../task.ts'
import type { SamDecoder } from './decoder.ts'
import { type EmbeddedImage, encoderOf } from './encoder.ts'
import { type FramePoints, padded, pointsInFrame } from './frame.ts'
import { inGroups } from './groups.ts'
import { candidatesOf } from './sam2.ts'

/** transformers' SAM 1. Its prompt encoder knows no corners of boxes among its points, and the published exports no boxes. */
export function samHfDecoder(models: Models): SamDecoder | undefined {
  return decoderOf(samHf, SAM_HF_EMBEDDINGS, false, models)
}

/** transformers' SAM 2, whose prompt encoder takes a box as two points. */
export function sam2HfDecoder(models: Models): SamDecoder | undefined {
  return decoderOf(sam2Hf, SAM2_HF_EMBEDDINGS, true, models)
}

function decoderOf(
  family: Family<'encoder' | 'decoder'>,
  embeddings: readonly string[],
  takesBoxes: boolean,
  models: Models,
): SamDecoder | undefined {
  const { decoder } = models.parts(family) ?? {}
  const encoder = encoderOf(family, models)
  if (!decoder || !encoder) return undefined
  const inputs = new Map(decoder.signature.inputs.map((input) => [input.name, input]))
  // Traced with boxes, the prompt encoder leaves the point of padding to its caller (modeling_sam2.py, _embed_points).
  const padsItself = !inputs.has('input_boxes')
  const together = typeof inputs.get('input_points')?.shape[1] === 'string'
  return {
    encoder,
    models: [encoder.model, decoder],
    takesBoxes,
    decode(image, prompts, context) {
      const points = prompts
        .map((prompt) => pointsInFrame(prompt, encoder.frame, image.original))
        .map((each) => (padsItself ? each : padded(each)))
      return inGroups(
        points,
        ({ labels }) => labels.length,
        together ? points.length : 1,
        (group) => run(decoder, embeddings, image, group, context),
      )
    },
  }
}

async function run(
  decoder: Model,
  embeddings: readonly string[],
  { tensors }: EmbeddedImage,
  group: readonly FramePoints[],
  context: TaskContext,
) {
  const [count, each] = [group.length, group[0]?.labels.length ?? 0]
  const feeds: Record<string, Tensor> = {
    input_points: float32(
      [1, count, each, 2],
      group.flatMap(({ coords }) => coords),
    ),
    input_labels: int64(
      [1, count, each],
      group.flatMap(({ labels }) => labels),
    ),
  }
  for (const name of embeddings) {
    const embedding = tensors[name]
    if (!embedding) throw new TypeError(`the encoder was checked to give ${name}`)
    feeds[name] = embedding
  }
  if (decoder.signature.inputs.some(({ name }) => name === 'input_boxes')) feeds.input_boxes = float32([1, 0, 4], [])
  const outputs = await context.run(decoder, feeds, { outputs: ['pred_masks', 'iou_scores'] })
  return candidatesOf(outputs, 'pred_masks', 'iou_scores', count)
}
