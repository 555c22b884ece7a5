import type { Value } from '../runtime/model.ts'

/** Where the channels stand: [B,3,H,W] as PyTorch has it, [B,H,W,3] as TensorFlow. */
export type ImageLayout = 'planes' | 'interleaved'

/** The layout of an input that takes one picture or a batch of them; undefined for another input. */
export function imageLayout({ type, shape }: Value): ImageLayout | undefined {
  if (type !== 'float32' || shape.length !== 4) return undefined
  const [batch, second, , last] = shape
  if (typeof batch === 'number' && batch !== 1) return undefined
  if (second === 3) return 'planes'
  return last === 3 ? 'interleaved' : undefined
}

/** The height and width that an input fixes; undefined for each that is free. */
export function fixedSize(input: Value, layout: ImageLayout): { height?: number; width?: number } {
  const [height, width] = layout === 'planes' ? input.shape.slice(2) : input.shape.slice(1)
  return {
    ...(typeof height === 'number' ? { height } : {}),
    ...(typeof width === 'number' ? { width } : {}),
  }
}
