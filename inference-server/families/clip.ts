import { fits, type Signature } from '../runtime/model.ts'
import type { Family } from './family.ts'

/**
 * CLIP and its kin as transformers.js and optimum export them: the towers apart, each with its projection, so that pictures
 * and texts meet in one space.
 */
export const clip: Family<'vision' | 'text'> = {
  name: 'CLIP',
  contract:
    'a vision model pixel_values float32[B,3,H,W] -> image_embeds float32[B,D], and perhaps a text model ' +
    'input_ids int64[B,T] (and attention_mask) -> text_embeds float32[B,D]; a model without projection ' +
    '(pooler_output instead of image_embeds) or with both towers in one is none',
  part({ inputs, outputs }) {
    if (isVision({ inputs, outputs })) return 'vision'
    return isText({ inputs, outputs }) ? 'text' : undefined
  },
}

function isVision({ inputs, outputs }: Signature): boolean {
  const [image] = inputs
  const embeds = outputs.find(({ name }) => name === 'image_embeds')
  if (inputs.length !== 1 || image?.type !== 'float32' || embeds?.type !== 'float32') return false
  return fits(image.shape, [undefined, 3, undefined, undefined]) && embeds.shape.length === 2
}

function isText({ inputs, outputs }: Signature): boolean {
  const ids = inputs.find(({ name }) => name === 'input_ids')
  const embeds = outputs.find(({ name }) => name === 'text_embeds')
  const others = inputs.filter(({ name }) => name !== 'input_ids' && name !== 'attention_mask')
  return ids?.type === 'int64' && embeds?.type === 'float32' && others.length === 0
}
