import type { Value } from '../runtime/model.ts'
import type { Family } from './family.ts'
import { imageLayout } from './image-input.ts'

/** Any image encoder whose one output is its embedding: a classifier's trunk, DINOv2, a model of one's own. */
export const encoder: Family<'encoder'> = {
  name: 'image encoder',
  contract:
    'one picture float32[B,3,H,W] or [B,H,W,3] -> one float32 output: a vector [B,D], tokens [B,T,D] or a map [B,C,h,w]',
  part({ inputs: [image, ...more], outputs: [embedding, ...others] }) {
    if (!image || !embedding || more.length > 0 || others.length > 0) return undefined
    return imageLayout(image) && isEmbedding(embedding) ? 'encoder' : undefined
  },
}

function isEmbedding({ type, shape }: Value): boolean {
  return type === 'float32' && shape.length >= 2 && shape.length <= 4
}
