import type { InferenceSession } from 'onnxruntime-node'
import { toInterleavedFloats, toNormalisedPlanes } from '../images/chw.ts'
import { type RgbImage, type Size, scaledSize } from '../images/decode.ts'
import { crop, type Plane, resizeBilinear } from '../images/mask.ts'
import type { Prompt } from './operations.ts'

/** The side of the square in which SAM 1 sees every picture. */
export const FRAME = 1024
/** The side of `low_res_masks` and `mask_input`. */
export const LOW_RES = 256

/** Who normalises and pads: the caller (planes, rank 4), or the graph itself (interleaved 0-255, rank 3). */
export type Sam1Encoder = 'planes' | 'interleaved'

export const SAM1_CONTRACT =
  'a SAM 1 pair: an encoder float32[1,3,1024,1024] or float32[H,W,3] -> float32[1,256,64,64], and a decoder with inputs ' +
  'image_embeddings, point_coords, point_labels, mask_input, has_mask_input, orig_im_size and outputs iou_predictions, low_res_masks'

const DECODER_INPUTS = [
  'image_embeddings',
  'point_coords',
  'point_labels',
  'mask_input',
  'has_mask_input',
  'orig_im_size',
]

type Signature = Pick<InferenceSession, 'inputMetadata' | 'outputMetadata' | 'inputNames' | 'outputNames'>

/** Which half of SAM 1 a model is, by its inputs and outputs; undefined for another model. */
export function sam1Role(model: Signature): Sam1Encoder | 'decoder' | undefined {
  const inputs = new Set(model.inputNames)
  const outputs = new Set(model.outputNames)
  if (DECODER_INPUTS.length === inputs.size && DECODER_INPUTS.every((name) => inputs.has(name))) {
    return outputs.has('low_res_masks') && outputs.has('iou_predictions') ? 'decoder' : undefined
  }
  const [image, ...more] = model.inputMetadata
  const [embedding] = model.outputMetadata
  if (more.length > 0 || !image?.isTensor || !embedding?.isTensor) return undefined
  if (image.type !== 'float32' || embedding.type !== 'float32' || !fits(embedding.shape, [1, 256, 64, 64]))
    return undefined
  // Further outputs, such as HF's positional embeddings, belong to another decoder.
  if (model.outputMetadata.length !== 1) return undefined
  if (fits(image.shape, [1, 3, FRAME, FRAME])) return 'planes'
  return image.shape.length === 3 && image.shape[2] === 3 ? 'interleaved' : undefined
}

/** Dynamic dimensions are names, and fit anything. */
function fits(shape: readonly (number | string)[], expected: readonly number[]): boolean {
  return (
    shape.length === expected.length && shape.every((size, at) => typeof size === 'string' || size === expected[at])
  )
}

/** The encoder's input for a picture whose longest side is FRAME. */
export function encoderInput(kind: Sam1Encoder, image: RgbImage): { data: Float32Array; dims: number[] } {
  return kind === 'planes'
    ? { data: toNormalisedPlanes(image, FRAME), dims: [1, 3, FRAME, FRAME] }
    : { data: toInterleavedFloats(image), dims: [image.height, image.width, 3] }
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
