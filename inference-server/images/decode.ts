import sharp, { type Metadata } from 'sharp'
import { Failure } from '../core/errors.ts'

/** A picture's size in pixels. */
export type Size = { width: number; height: number }

/** 8-bit RGB, row by row, without gaps. */
export type RgbImage = Size & { data: Uint8Array<ArrayBuffer> }

export type DecodedImage = {
  /** The size after EXIF orientation: the frame in which the caller's points are given. */
  original: Size
  /** The picture scaled so that its longest side is that asked for. */
  scaled: RgbImage
}

const FORMATS = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff'])

/** Rounds as SAM's ResizeLongestSide does. */
export function scaledSize({ width, height }: Size, longestSide: number): Size {
  const scale = longestSide / Math.max(width, height)
  return {
    width: Math.max(1, Math.floor(width * scale + 0.5)),
    height: Math.max(1, Math.floor(height * scale + 0.5)),
  }
}

/**
 * Decodes an encoded picture on libvips' own threads, upright, without alpha, in sRGB, scaled to `longestSide`.
 * @throws Failure InvalidImage for what is no picture, is truncated or of another format; ImageTooLarge by the header alone,
 *   before any pixel is decoded.
 */
export async function decodeImage(
  encoded: Uint8Array,
  limits: { maxPixels: number; longestSide: number },
): Promise<DecodedImage> {
  const original = await readHeader(encoded, limits.maxPixels)
  const target = scaledSize(original, limits.longestSide)
  try {
    const { data, info } = await sharp(encoded, { limitInputPixels: limits.maxPixels, failOn: 'truncated' })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      // The linear kernel is the nearest to the PIL bilinear filter with which SAM was trained; fill, because the size is exact.
      .resize({ ...target, fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false })
      .raw()
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels`)
    return { original, scaled: { ...target, data: new Uint8Array(data) } }
  } catch (cause) {
    throw new Failure('InvalidImage', 'The image is damaged or truncated.', { cause })
  }
}

async function readHeader(encoded: Uint8Array, maxPixels: number): Promise<Size> {
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
