import { FRAME, LOW_RES, type Sam1Encoder, upsample } from '../../families/sam1.ts'
import { toInterleavedFloats, toNormalisedPlanes } from '../../images/chw.ts'
import type { RgbImage, Size } from '../../images/decode.ts'
import { type BinaryMask, threshold } from '../../images/mask.ts'
import { float32, type Tensor } from '../../runtime/tensors.ts'

/** The encoder's input for a picture whose longest side is FRAME. */
export function encoderInput(kind: Sam1Encoder, image: RgbImage): Tensor {
  return kind === 'planes'
    ? float32([1, 3, FRAME, FRAME], toNormalisedPlanes(image, FRAME))
    : float32([image.height, image.width, 3], toInterleavedFloats(image))
}

/** One of the decoder's low-resolution planes as a mask of the picture's size. */
export function maskOf(planes: Float32Array, chosen: number, original: Size): BinaryMask {
  return threshold(upsample(planes.subarray(chosen * LOW_RES * LOW_RES, (chosen + 1) * LOW_RES * LOW_RES), original))
}
