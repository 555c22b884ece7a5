import { fits, hasAll, type Value } from '../runtime/model.ts'
import type { Family } from './family.ts'
import { imageLayout } from './image-input.ts'

/** The outputs, named as the columns of a 3D Gaussian Splatting file, and how many values each gaussian has of them. */
export const GAUSSIAN_OUTPUTS = { xyz: 3, f_dc: 3, opacity: 1, scale: 3, rotation: 4 } as const

/**
 * A picture to gaussians. There is no common export yet: these are the columns of the files that all such models save, so that
 * an export needs no more than to return them.
 */
export const gaussians: Family<'generator'> = {
  name: '3D gaussians',
  contract:
    'a picture float32[1,3,H,W] and perhaps a mask float32[1,1,H,W] -> xyz [N,3], f_dc [N,3], opacity [N,1], scale [N,3], ' +
    'rotation [N,4] (each perhaps with a leading 1), as save_ply stores them: opacity a logit, scale a logarithm, rotation w x y z',
  part({ inputs, outputs }) {
    const images = inputs.filter((input) => imageLayout(input) === 'planes')
    if (images.length !== 1 || inputs.length > 2 || (inputs.length === 2 && !maskInput(inputs))) return undefined
    if (!hasAll(outputs, Object.keys(GAUSSIAN_OUTPUTS))) return undefined
    const fit = Object.entries(GAUSSIAN_OUTPUTS).every(([name, width]) => {
      const output = outputs.find((each) => each.name === name)
      return output?.type === 'float32' && isList(output.shape, width)
    })
    return fit ? 'generator' : undefined
  },
}

/** The input that takes the mask, 1 inside. */
export function maskInput(inputs: readonly Value[]): Value | undefined {
  return inputs.find(
    ({ type, shape }) => type === 'float32' && shape[1] === 1 && fits(shape, [1, 1, undefined, undefined]),
  )
}

function isList(shape: Value['shape'], width: number): boolean {
  return fits(shape, [undefined, width]) || fits(shape, [1, undefined, width]) || (width === 1 && shape.length === 1)
}
