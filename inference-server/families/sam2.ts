import { fits, hasAll, type Signature } from '../runtime/model.ts'
import type { Family } from './family.ts'

/** The three levels of features, from the finest on, as samexporter names them. */
export const SAM2_LEVELS = ['high_res_feats_0', 'high_res_feats_1', 'image_embed'] as const

const DECODER_INPUTS = [...SAM2_LEVELS, 'point_coords', 'point_labels', 'mask_input', 'has_mask_input']

/** SAM 2 and 2.1 as written by samexporter's export_sam2.py. */
export const sam2: Family<'encoder' | 'decoder'> = {
  name: 'SAM 2',
  contract:
    'an encoder float32[1,3,1024,1024] -> high_res_feats_0 [1,C,256,256], high_res_feats_1 [1,C,128,128], image_embed [1,C,64,64], ' +
    `and a decoder with inputs ${DECODER_INPUTS.join(', ')} and outputs masks, iou_predictions`,
  part(signature) {
    const { inputs, outputs } = signature
    if (hasAll(inputs, DECODER_INPUTS)) {
      // Some exports ask for orig_im_size too, and scale the masks themselves.
      const more = inputs.filter(({ name }) => !DECODER_INPUTS.includes(name))
      const known = more.every(({ name }) => name === 'orig_im_size')
      return known && hasAll(outputs, ['masks', 'iou_predictions']) ? 'decoder' : undefined
    }
    return isEncoder(signature) ? 'encoder' : undefined
  },
  incomplete: (parts) => (parts.has('encoder') ? undefined : 'the decoder has no encoder'),
}

function isEncoder({ inputs, outputs }: Signature): boolean {
  const [image] = inputs
  return (
    inputs.length === 1 &&
    image?.type === 'float32' &&
    fits(image.shape, [1, 3, 1024, 1024]) &&
    outputs.length === SAM2_LEVELS.length &&
    hasAll(outputs, SAM2_LEVELS)
  )
}
