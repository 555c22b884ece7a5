import sharp, { type Metadata, type Sharp } from 'sharp'
import { Failure } from '../core/errors.ts'
import { resampleTo } from './resample.ts'

/** A picture's size in pixels. */
export type Size = { width: number; height: number }

/** 8-bit RGB, row by row, without gaps. */
export type RgbImage = Size & { data: Uint8Array<ArrayBuffer> }

/** What to make of a picture: this size exactly, by this kernel, and of that a part. */
export type Resize = Size & {
  /**
   * `linear` is the nearest to PIL's bilinear, with which SAM was trained (mean difference 0.2 of 255), `cubic` to its bicubic
   * (CLIP). Both average when they shrink.
   */
  kernel: 'linear' | 'cubic' | 'lanczos3'
  crop?: Size & { left: number; top: number }
}

export type DecodedImage = {
  /** The size after EXIF orientation: the frame in which the caller's points are given. */
  original: Size
  pixels: RgbImage
}

const FORMATS = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff'])

/** The size whose longest side is `longestSide`, rounded as SAM's ResizeLongestSide does. */
export function scaledSize({ width, height }: Size, longestSide: number): Size {
  const scale = longestSide / Math.max(width, height)
  return {
    width: Math.max(1, Math.floor(width * scale + 0.5)),
    height: Math.max(1, Math.floor(height * scale + 0.5)),
  }
}

/**
 * The size of a picture by its header, without decoding a pixel.
 * @throws Failure InvalidImage for what is no picture or of another format, ImageTooLarge
 */
export async function readImageSize(encoded: Uint8Array, maxPixels: number): Promise<Size> {
  let metadata: Metadata
  try {
    metadata = await sharp(encoded, { limitInputPixels: false }).metadata()
  } catch (cause) {
    throw new Failure('InvalidImage', 'The image could not be read: its format is unknown or its header is damaged.', {
      cause,
    })
  }
  if (!FORMATS.has(metadata.format)) {
    throw new Failure('InvalidImage', `Images of format ${metadata.format} are not accepted.`, {
      details: [`accepted: ${[...FORMATS].join(', ')}`],
    })
  }
  const { width, height } = metadata.autoOrient
  if (width * height > maxPixels) {
    throw new Failure('ImageTooLarge', `The image has ${width} x ${height} pixels; at most ${maxPixels} are accepted.`)
  }
  return { width, height }
}

/** How a picture is decoded. */
export type Decoding = {
  /** As readImageSize tells it. */
  original: Size
  maxPixels: number
  resize?: Resize | undefined
  /** What lies behind what is transparent: white, or black where light means inside. */
  over?: 'white' | 'black' | undefined
}

/**
 * Decodes a picture: upright, without alpha, in sRGB, resized if asked. libvips shrinks (as PIL does, to a mean difference of
 * 0.01 of 255). Where it enlarges, it aligns the corners of pixels and not their middles, which shifts the picture: that is left to
 * resample.ts. Takes milliseconds of the calling thread.
 * @throws Failure InvalidImage when it is damaged or truncated
 */
export async function decodePixels(encoded: Uint8Array, decoding: Decoding): Promise<RgbImage> {
  const { original, maxPixels, resize, over = 'white' } = decoding
  const shrinks = !resize || (resize.width <= original.width && resize.height <= original.height)
  const smaller = shrinks ? resize : { ...lesser(resize, original), kernel: resize.kernel }
  const pixels = await shrunk(encoded, { maxPixels, over, resize: smaller })
  return shrinks ? pixels : resampleTo(pixels, resize)
}

const lesser = (a: Size, b: Size): Size => ({ width: Math.min(a.width, b.width), height: Math.min(a.height, b.height) })

/** What libvips does of it. */
async function shrunk(
  encoded: Uint8Array,
  { maxPixels, over, resize }: Omit<Decoding, 'original'> & { over: 'white' | 'black' },
): Promise<RgbImage> {
  try {
    const upright = sharp(encoded, { limitInputPixels: maxPixels, failOn: 'truncated' })
      .autoOrient()
      .flatten({ background: over })
      .toColourspace('srgb')
    const { data, info } = await resized(upright, resize).raw().toBuffer({ resolveWithObject: true })
    if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels`)
    return { width: info.width, height: info.height, data: data as Uint8Array<ArrayBuffer> }
  } catch (cause) {
    throw new Failure('InvalidImage', 'The image is damaged or truncated.', { cause })
  }
}

function resized(image: Sharp, resize: Resize | undefined): Sharp {
  if (!resize) return image
  const { width, height, kernel, crop } = resize
  // Fill, because the size is exact; shrinking while a JPEG is loaded would be another filter than the reference's.
  const whole = image.resize({ width, height, fit: 'fill', kernel, fastShrinkOnLoad: false })
  return crop ? whole.extract(crop) : whole
}
