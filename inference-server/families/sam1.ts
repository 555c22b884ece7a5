import { type Size, scaledSize } from '../images/decode.ts'
import { crop, type Plane, resizeBilinear } from '../images/mask.ts'
import { fits, hasAll, type Signature } from '../runtime/model.ts'
import type { Family } from './family.ts'

/** A prompt in pixels of the upright original picture. */
export type Prompt = {
  points: readonly (readonly [number, number])[]
  /** One for each point: 1 foreground, 0 background. */
  labels: readonly (0 | 1)[]
  /** [left, top, right, bottom] */
  box?: readonly [number, number, number, number] | undefined
  /** True takes the best of the alternatives for an ambiguous prompt, false the mask for an unambiguous one. */
  multimask: boolean
}

/** The side of the square in which SAM 1 sees every picture. */
export const FRAME = 1024
/** The side of `low_res_masks` and `mask_input`. */
export const LOW_RES = 256

/** Who normalises and pads: the caller (planes, rank 4), or the graph itself (interleaved 0-255, rank 3). */
export type Sam1Encoder = 'planes' | 'interleaved'

const DECODER_INPUTS = [
  'image_embeddings',
  'point_coords',
  'point_labels',
  'mask_input',
  'has_mask_input',
  'orig_im_size',
]

export const sam1: Family<'encoder' | 'decoder'> = {
  name: 'SAM 1',
  contract:
    'an encoder float32[1,3,1024,1024] or float32[H,W,3] -> float32[1,256,64,64], and a decoder with inputs ' +
    'image_embeddings, point_coords, point_labels, mask_input, has_mask_input, orig_im_size and outputs iou_predictions, low_res_masks',
  part({ inputs, outputs }) {
    if (inputs.length === DECODER_INPUTS.length && hasAll(inputs, DECODER_INPUTS)) {
      return hasAll(outputs, ['low_res_masks', 'iou_predictions']) ? 'decoder' : undefined
    }
    return sam1Encoder({ inputs, outputs }) && 'encoder'
  },
  incomplete: (parts) => (parts.has('encoder') ? undefined : 'the decoder has no encoder'),
}

/** Which encoder a model is, by its inputs and outputs; undefined for another model. */
export function sam1Encoder({ inputs, outputs }: Signature): Sam1Encoder | undefined {
  const [image] = inputs
  const [embedding] = outputs
  // Further outputs, such as HF's positional embeddings, belong to another decoder.
  if (inputs.length !== 1 || outputs.length !== 1 || image?.type !== 'float32' || embedding?.type !== 'float32') {
    return undefined
  }
  if (!fits(embedding.shape, [1, undefined, 64, 64])) return undefined
  if (fits(image.shape, [1, 3, FRAME, FRAME])) return 'planes'
  return image.shape.length === 3 && image.shape[2] === 3 ? 'interleaved' : undefined
}

/**
 * `point_coords` and `point_labels` of a prompt, in the frame's coordinates. A box gives two points labelled 2 and 3;
 * without a box the decoder expects one padding point (0, 0) labelled -1.
 */
export function decoderPoints(prompt: Prompt, original: Size): { coords: Float32Array; labels: Float32Array } {
  const scaled = scaledSize(original, FRAME)
  const [sx, sy] = [scaled.width / original.width, scaled.height / original.height]
  const coords = prompt.points.flatMap(([x, y]) => [x * sx, y * sy])
  const labels: number[] = [...prompt.labels]
  if (prompt.box) {
    const [left, top, right, bottom] = prompt.box
    coords.push(left * sx, top * sy, right * sx, bottom * sy)
    labels.push(2, 3)
  } else {
    coords.push(0, 0)
    labels.push(-1)
  }
  return { coords: Float32Array.from(coords), labels: Float32Array.from(labels) }
}

/**
 * Which of the decoder's masks to give. The first is meant for unambiguous prompts; the others are alternatives (whole,
 * part, subpart) for an ambiguous one, of which that with the best predicted IoU counts. Some exports have one mask only.
 */
export function chooseMask(scores: ArrayLike<number>, multimask: boolean): number {
  if (!multimask || scores.length === 1) return 0
  let best = 1
  for (let at = 2; at < scores.length; at++) if ((scores[at] ?? 0) > (scores[best] ?? 0)) best = at
  return best
}

/**
 * A low-resolution plane of logits at the picture's size: to the frame, without the padding, to the picture, as SAM's own
 * post-processing does. Doing it here for the one plane chosen spares the decoder the full size of all four.
 */
export function upsample(lowRes: Float32Array, original: Size): Plane {
  const frame = resizeBilinear({ width: LOW_RES, height: LOW_RES, data: lowRes }, { width: FRAME, height: FRAME })
  return resizeBilinear(crop(frame, scaledSize(original, FRAME)), original)
}
