import { Failure } from '../core/errors.ts'
import { channelTables, writePlanes } from './chw.ts'
import type { Resize, RgbImage, Size } from './decode.ts'

export type Kernel = Resize['kernel']

/** How a picture becomes a model's input: resized, perhaps cropped in its middle, then normalised. */
export type Preprocessing = {
  fit: Fit
  crop?: Size
  kernel: Kernel
  /** A channel's input is (value of 0-255 × scale - mean) / deviation. */
  scale: number
  mean: readonly [number, number, number]
  deviation: readonly [number, number, number]
}

export type Fit =
  /** The shortest edge gets this length; the aspect ratio is kept. */
  | { to: 'shortest-edge'; length: number }
  /** Exactly this size; the aspect ratio is given up. */
  | { to: 'size'; width: number; height: number }
  /** Near this size, with sides that are multiples of a vision transformer's patches, and nearly the aspect ratio. */
  | { to: 'multiples'; width: number; height: number; of: number }

/** Means and deviations of 0-1: ImageNet's, those of OpenAI's CLIP, and of models that see -1 to 1. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const
export const OPENAI_CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  deviation: [0.26862954, 0.26130258, 0.27577711],
} as const

/**
 * The size to which a picture is resized, as transformers and torchvision calculate it.
 * @throws Failure ImageTooLarge when a very long and thin picture would grow over `maxPixels`.
 */
export function resizedSize({ width, height }: Size, fit: Fit, maxPixels: number): Size {
  const size = fitted({ width, height }, fit)
  if (size.width * size.height > maxPixels) {
    throw new Failure(
      'ImageTooLarge',
      `The image of ${width} x ${height} pixels is too long and thin: the model would need it at ${size.width} x ${size.height}.`,
    )
  }
  return size
}

function fitted({ width, height }: Size, fit: Fit): Size {
  switch (fit.to) {
    case 'shortest-edge': {
      const long = Math.trunc((fit.length * Math.max(width, height)) / Math.min(width, height))
      return width <= height ? { width: fit.length, height: long } : { width: long, height: fit.length }
    }
    case 'size':
      return { width: fit.width, height: fit.height }
    case 'multiples': {
      // "Scale as little as possible": the side whose scale is nearer to 1 decides for both.
      const across = fit.width / width
      const down = fit.height / height
      const scale = Math.abs(1 - across) < Math.abs(1 - down) ? across : down
      const side = (length: number) => Math.max(fit.of, roundHalfEven((scale * length) / fit.of) * fit.of)
      return { width: side(width), height: side(height) }
    }
  }
}

/** The left top corner of the crop in the middle. */
export function centred(size: Size, crop: Size): { left: number; top: number } {
  return { left: Math.floor((size.width - crop.width) / 2), top: Math.floor((size.height - crop.height) / 2) }
}

/** Interleaved 8-bit RGB to normalised planes [3, height, width]. */
export function toPlanes(image: RgbImage, preprocessing: Preprocessing): Float32Array<ArrayBuffer> {
  return writePlanes(image, channelTables(preprocessing), image, new Float32Array(image.data.length))
}

/** Interleaved 8-bit RGB to normalised values [height, width, 3]. */
export function toInterleaved(image: RgbImage, preprocessing: Preprocessing): Float32Array<ArrayBuffer> {
  const values = new Float32Array(image.data.length)
  for (const [channel, table] of channelTables(preprocessing).entries()) {
    for (let i = channel; i < values.length; i += 3) values[i] = table[image.data[i] ?? 0] ?? 0
  }
  return values
}

/** As Python rounds: 2.5 to 2, 3.5 to 4. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
