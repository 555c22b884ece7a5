import type { RgbImage } from './decode.ts'

/** Mean and standard deviation of ImageNet, in 0-255, as SAM uses them. */
const MEAN = [123.675, 116.28, 103.53] as const
const DEVIATION = [58.395, 57.12, 57.375] as const

/** Each channel has 256 possible inputs: a table replaces a subtraction and a division for every one of 3 million values. */
const TABLES = MEAN.map((mean, channel) =>
  Float32Array.from({ length: 256 }, (_, value) => (value - mean) / (DEVIATION[channel] ?? 1)),
)

/**
 * Interleaved 8-bit RGB to normalised planes [1, 3, side, side], zero-padded at the right and bottom after normalising.
 * The image must fit into the square.
 */
export function toNormalisedPlanes(image: RgbImage, side: number): Float32Array<ArrayBuffer> {
  const planes = new Float32Array(3 * side * side)
  for (const [channel, table] of TABLES.entries()) {
    for (let y = 0; y < image.height; y++) {
      let from = y * image.width * 3 + channel
      const start = (channel * side + y) * side
      for (let to = start; to < start + image.width; to++) {
        planes[to] = table[image.data[from] ?? 0] ?? 0
        from += 3
      }
    }
  }
  return planes
}

/** Interleaved 8-bit RGB to [height, width, 3] floats of 0-255: for encoders that normalise inside. */
export function toInterleavedFloats(image: RgbImage): Float32Array<ArrayBuffer> {
  return Float32Array.from(image.data)
}
