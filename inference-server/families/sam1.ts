import { fits, hasAll, type Signature } from '../runtime/model.ts'
import type { Family } from './family.ts'

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

/**
 * Meta's SAM 1 and what was distilled from it (MobileSAM): the decoder as written by Meta's scripts/export_onnx_model.py, the
 * encoder as written by samexporter, with --use-preprocess or without, or by torch.onnx.export on the image encoder itself.
 */
export const sam1: Family<'encoder' | 'decoder'> = {
  name: 'SAM 1',
  contract:
    'an encoder float32[1,3,1024,1024] or float32[H,W,3] -> float32[1,C,64,64], and a decoder with inputs ' +
    `${DECODER_INPUTS.join(', ')} and outputs iou_predictions, low_res_masks`,
  part(signature) {
    const { inputs, outputs } = signature
    if (inputs.length === DECODER_INPUTS.length && hasAll(inputs, DECODER_INPUTS)) {
      return hasAll(outputs, ['low_res_masks', 'iou_predictions']) ? 'decoder' : undefined
    }
    return sam1Encoder(signature) && 'encoder'
  },
  incomplete: (parts) => (parts.has('encoder') ? undefined : 'the decoder has no encoder'),
}

/** Which encoder a model is, by its inputs and outputs; undefined for another model. */
export function sam1Encoder({ inputs, outputs }: Signature): Sam1Encoder | undefined {
  const [image] = inputs
  const [embedding] = outputs
  // Further outputs, such as transformers' positional embeddings, belong to another decoder.
  if (inputs.length !== 1 || outputs.length !== 1 || image?.type !== 'float32' || embedding?.type !== 'float32') {
    return undefined
  }
  if (!fits(embedding.shape, [1, undefined, 64, 64])) return undefined
  if (image.shape.length === 3) return image.shape[2] === 3 ? 'interleaved' : undefined
  // Any network over pictures could have dimensions without numbers: one of SAM's own must be there.
  const known = [...image.shape.slice(2), ...embedding.shape.slice(2)].some((size) => typeof size === 'number')
  return known && fits(image.shape, [1, 3, 1024, 1024]) ? 'planes' : undefined
}
