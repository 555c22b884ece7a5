import type { RgbImage, Size } from './decode.ts'

/** By which mean and standard deviation a network was trained: ImageNet's, or one half for each, which makes -1 to 1. */
export type ChannelStatistics = 'imagenet' | 'half'

/** Mean and standard deviation of red, green and blue, in 0-255. */
const STATISTICS = {
  imagenet: { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] },
  half: { mean: [127.5, 127.5, 127.5], deviation: [127.5, 127.5, 127.5] },
} as const

/** Each channel has 256 possible inputs: a table replaces a subtraction and a division for every one of 3 million values. */
const TABLES = { imagenet: tables('imagenet'), half: tables('half') } as const

function tables(statistics: ChannelStatistics): ChannelTables {
  return channelTables({ scale: 1, ...STATISTICS[statistics] })
}

type ChannelValues = readonly [red: number, green: number, blue: number]

/** The tables of (value of 0-255 × scale - mean) / deviation. */
export function channelTables({
  scale,
  mean,
  deviation,
}: {
  scale: number
  mean: ChannelValues
  deviation: ChannelValues
}): ChannelTables {
  const table = (channel: 0 | 1 | 2) =>
    Float32Array.from({ length: 256 }, (_, value) => (value * scale - mean[channel]) / deviation[channel])
  return [table(0), table(1), table(2)]
}

/**
 * Interleaved 8-bit RGB to normalised planes [1, 3, side, side], zero-padded at the right and bottom after normalising.
 * The image must fit into the square; `planes` may hold anything before.
 */
export function toNormalisedPlanes<Planes extends Float32Array>(
  image: RgbImage,
  side: number,
  statistics: ChannelStatistics,
  planes: Planes,
): Planes {
  for (let plane = 0; plane < planes.length; plane += side * side) {
    for (let y = 0; image.width < side && y < image.height; y++) {
      planes.fill(0, plane + y * side + image.width, plane + (y + 1) * side)
    }
    planes.fill(0, plane + image.height * side, plane + side * side)
  }
  return writePlanes(image, TABLES[statistics], { width: side, height: side }, planes)
}

/** What each of the 256 values of red, green and blue becomes. */
export type ChannelTables = readonly [red: Float32Array, green: Float32Array, blue: Float32Array]

/** Writes interleaved 8-bit RGB into the top left of three planes of a frame, each value as its channel's table has it. */
export function writePlanes<Planes extends Float32Array>(
  { width, height, data }: RgbImage,
  [red, green, blue]: ChannelTables,
  frame: Size,
  planes: Planes,
): Planes {
  const plane = frame.width * frame.height
  for (let y = 0, from = 0; y < height; y++) {
    for (let to = y * frame.width; to < y * frame.width + width; to++, from += 3) {
      planes[to] = red[data[from] ?? 0] ?? 0
      planes[to + plane] = green[data[from + 1] ?? 0] ?? 0
      planes[to + 2 * plane] = blue[data[from + 2] ?? 0] ?? 0
    }
  }
  return planes
}

/** Interleaved 8-bit RGB to planes of bytes [3, side, side], for encoders that normalise inside. */
export function toBytePlanes(image: RgbImage, side: number): Uint8Array<ArrayBuffer> {
  const planes = new Uint8Array(3 * side * side)
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < image.height; y++) {
      let from = y * image.width * 3 + channel
      const start = (channel * side + y) * side
      for (let to = start; to < start + image.width; to++) {
        planes[to] = image.data[from] ?? 0
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
