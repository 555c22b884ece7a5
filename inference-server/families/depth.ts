import { fits, type Value } from '../runtime/model.ts'
import type { Family } from './family.ts'
import { imageLayout } from './image-input.ts'

/** Monocular depth: Depth Anything, DPT, MiDaS, Depth Pro and others, as transformers, optimum and their own scripts export them. */
export const depth: Family<'depth'> = {
  name: 'depth',
  contract: 'a picture float32[1,3,H,W] -> predicted_depth (or depth, disparity) float32[1,H,W] or [1,1,H,W]',
  part({ inputs: [image, ...more], outputs }) {
    if (!image || more.length > 0 || imageLayout(image) === undefined) return undefined
    return depthOutput(outputs) ? 'depth' : undefined
  },
}

const NAMES = ['predicted_depth', 'depth', 'disparity']

/** The output that is the depth map: by its name, with one plane. */
export function depthOutput(outputs: readonly Value[]): Value | undefined {
  return outputs.find(
    ({ name, type, shape }) =>
      NAMES.includes(name) &&
      type === 'float32' &&
      (fits(shape, [1, undefined, undefined]) || fits(shape, [1, 1, undefined, undefined])),
  )
}
