import { type ChannelStatistics, toBytePlanes, toInterleavedFloats, toNormalisedPlanes } from '../../images/chw.ts'
import type { RgbImage } from '../../images/decode.ts'
import { float32, type Tensor } from '../../runtime/tensors.ts'

/** What an encoder wants to be fed: who normalises, and how pixels lie. */
export type EncoderInput = {
  /** `planes`: normalised floats; `interleaved`: floats of 0-255, unpadded; `bytes`: planes of 0-255. */
  layout: 'planes' | 'interleaved' | 'bytes'
  statistics: ChannelStatistics
}

/** The encoder's input for a picture that fits into the frame; `rank` 3 leaves out the dimension of the batch. */
export function encoderInput(
  { layout, statistics, side, rank }: EncoderInput & { side: number; rank: number },
  image: RgbImage,
): Tensor {
  if (layout === 'interleaved') return float32([image.height, image.width, 3], toInterleavedFloats(image))
  const dims = rank === 3 ? [3, side, side] : [1, 3, side, side]
  return layout === 'bytes'
    ? { type: 'uint8', dims, data: toBytePlanes(image, side) }
    : float32(dims, toNormalisedPlanes(image, side, statistics))
}
