import { type ChannelStatistics, toBytePlanes, toInterleavedFloats, toNormalisedPlanes } from '../../images/chw.ts'
import type { RgbImage } from '../../images/decode.ts'
import { float32, type Tensor } from '../../runtime/tensors.ts'

/** What an encoder wants to be fed: who normalises, and how pixels lie. */
export type EncoderInput = {
  /** `planes`: normalised floats; `interleaved`: floats of 0-255, unpadded; `bytes`: planes of 0-255. */
  layout: 'planes' | 'interleaved' | 'bytes'
  statistics: ChannelStatistics
}

/** Bytes of normalised planes of a square frame. */
export const planesBytes = (side: number) => 3 * side * side * Float32Array.BYTES_PER_ELEMENT

/**
 * The encoder's input for a picture that fits into the frame; `rank` 3 leaves out the dimension of the batch. Normalised planes
 * are written to `memory`.
 */
export function encoderInput(
  image: RgbImage,
  { layout, statistics, side, rank }: EncoderInput & { side: number; rank: number },
  memory: SharedArrayBuffer | ArrayBuffer = new ArrayBuffer(layout === 'planes' ? planesBytes(side) : 0),
): Tensor {
  if (layout === 'interleaved') return float32([image.height, image.width, 3], toInterleavedFloats(image))
  const dims = rank === 3 ? [3, side, side] : [1, 3, side, side]
  return layout === 'bytes'
    ? { type: 'uint8', dims, data: toBytePlanes(image, side) }
    : float32(dims, toNormalisedPlanes(image, side, statistics, new Float32Array(memory)))
}
