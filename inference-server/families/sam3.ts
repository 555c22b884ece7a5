import { fits, hasAll } from '../runtime/model.ts'
import type { Family } from './family.ts'

/** What the image encoder gives; simplified decoders ask for some of them only. */
export const SAM3_FEATURES = [
  'vision_pos_enc_0',
  'vision_pos_enc_1',
  'vision_pos_enc_2',
  'backbone_fpn_0',
  'backbone_fpn_1',
  'backbone_fpn_2',
] as const

const TEXT = ['text_attention_mask', 'text_memory', 'text_embeds']
/** Heads as samexporter writes them since 0.5. Before, thresholds and the picture's size were baked into the graph. */
const HEADS = ['pred_boxes', 'pred_logits', 'pred_masks', 'presence_logit_dec']

/** SAM 3 as written by samexporter's export_sam3.py, of version 0.5 or later. */
export const sam3: Family<'encoder' | 'language' | 'decoder'> = {
  name: 'SAM 3',
  contract:
    `an image encoder image uint8[3,1008,1008] -> ${SAM3_FEATURES.join(', ')}, a language encoder tokens int64[1,32] -> ` +
    `${TEXT.join(', ')}, and a decoder with inputs box_coords, box_labels, box_masks and outputs ${HEADS.join(', ')}`,
  part({ inputs, outputs }) {
    if (hasAll(inputs, ['box_coords', 'box_labels', 'box_masks', 'backbone_fpn_2'])) {
      return hasAll(outputs, HEADS) ? 'decoder' : undefined
    }
    const [input] = inputs
    if (inputs.length !== 1 || !input) return undefined
    if (hasAll(outputs, TEXT))
      return fits(input.shape, [1, undefined]) && input.type === 'int64' ? 'language' : undefined
    return hasAll(outputs, SAM3_FEATURES) ? 'encoder' : undefined
  },
  incomplete(parts) {
    if (!parts.has('encoder')) return 'there is no image encoder'
    if (parts.has('decoder') && !parts.has('language'))
      return 'the decoder has no language encoder, whose features it asks for'
    return undefined
  },
}
