import { type Outlines, polygonsOf } from '../../formats/polygon.ts'
import { type CocoRle, encodeRle } from '../../formats/rle.ts'
import type { Size } from '../../images/decode.ts'
import { type BinaryMask, maskAtSize, measure, type Plane, resizeBilinear } from '../../images/mask.ts'
import { type Frame, sizeInFrame } from '../sam/frame.ts'

/** What is to be told of each mask besides its size. */
export type Wanted = { rle: boolean; polygons: { epsilon: number; limit: number } | undefined }

/** One mask, without its pixels. */
export type MaskFacts = Pick<BinaryMask, 'area' | 'boundingBox'> & { rle?: CocoRle; outlines?: Outlines }

/**
 * Logits at the decoder's resolution as masks of the picture's size. Resampling here the planes that count spares the decoder the
 * full size of all that it has, and is what the models' own post-processing does: to the frame, without the padding, to the
 * picture (SAM 1, SamOnnxModel.mask_postprocessing), or to the picture at once (SAM 2).
 * Gives what is told of each plane, and the union of those that are `shown`.
 */
export function masksOf(
  planes: readonly Plane[],
  shown: readonly number[],
  frame: Frame,
  original: Size,
  wanted: Wanted,
): { union: BinaryMask; each: MaskFacts[] } {
  let union: BinaryMask | undefined
  const each: MaskFacts[] = []
  for (const [at, plane] of planes.entries()) {
    const mask = maskOf(plane, frame, original)
    each.push(factsOf(mask, wanted))
    if (shown.includes(at)) union = union ? unite(union, mask.pixels) : mask
  }
  if (!union) throw new TypeError('no plane is shown')
  return { union: shown.length > 1 ? { ...union, ...measure(union.pixels, union) } : union, each }
}

/** One plane as a mask of the picture's size. */
export function maskOf(plane: Plane, frame: Frame, original: Size): BinaryMask {
  if (frame.fit === 'stretch') return maskAtSize(plane, original)
  const square = { width: frame.side, height: frame.side }
  return maskAtSize(resizeBilinear(plane, square, sizeInFrame(frame, original)), original)
}

function factsOf(mask: BinaryMask, { rle, polygons }: Wanted): MaskFacts {
  return {
    area: mask.area,
    boundingBox: mask.boundingBox,
    ...(rle ? { rle: encodeRle(mask.pixels, mask) } : {}),
    ...(polygons ? { outlines: polygonsOf(mask.pixels, mask, polygons) } : {}),
  }
}

function unite(union: BinaryMask, pixels: Uint8Array): BinaryMask {
  for (let at = 0; at < pixels.length; at++) if (pixels[at]) union.pixels[at] = 255
  return union
}
