import { float32, type Tensor } from '../../runtime/tensors.ts'

/** The side of the mask that SAM 1 and 2 can be given besides points. */
const SIDE = 256

/** `mask_input` where there is none, for one prompt; in shared memory, so that it is never copied. */
export const NO_MASK: Tensor = noMasks(1)

/** `has_mask_input` where there is none. */
export const NO_MASK_GIVEN: Tensor = float32([1], new Float32Array(new SharedArrayBuffer(4)))

/** `mask_input` where there is none, for several prompts. */
export function noMasks(count: number): Tensor {
  return float32([count, 1, SIDE, SIDE], new Float32Array(new SharedArrayBuffer(4 * count * SIDE * SIDE)))
}
