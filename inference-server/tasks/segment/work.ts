import { workspace } from '../../core/scratch.ts'
import { type OutlineLimits, type Outlines, polygonsOf } from '../../formats/polygon.ts'
import { type CocoRle, encodeRle } from '../../formats/rle.ts'
import type { Size } from '../../images/decode.ts'
import { type BinaryMask, bounded, maskAtSize, measure, type Plane, resizeBilinear } from '../../images/mask.ts'
import { encodeGreyscalePng } from '../../images/png.ts'
import { type Frame, sizeInFrame } from '../sam/frame.ts'

/** What is to be told of each mask besides its size. */
export type Wanted = { rle: boolean; polygons: { epsilon: number; limits: OutlineLimits } | undefined }

/** One mask, without its pixels. */
export type MaskFacts = Pick<BinaryMask, 'area' | 'boundingBox'> & { rle?: CocoRle; outlines?: Outlines }

/** The masks of masksOf, and their union as a PNG: what a caller gets is a hundredth of its pixels. */
export async function answeredMasks(...asked: Parameters<typeof masksOf>) {
  const { union, each } = masksOf(...asked)
  const png = await encodeGreyscalePng(union.pixels, union)
  return { union: factsOf(union, { rle: false, polygons: undefined }), png: new Uint8Array(png), each }
}

/**
 * Logits at the decoder's resolution as masks of the picture's size. Resampling here the planes that count spares the decoder the
 * full size of all that it has, and is what the models' own post-processing does: to the frame, without the padding, to the
 * picture (SAM 1, SamOnnxModel.mask_postprocessing), or to the picture at once (SAM 2).
 * Gives what is told of each plane, and the union of those that are `shown`. A plane that shares more than `distinct` (IoU) with a
 * former one is dropped.
 */
export function masksOf(
  planes: readonly Plane[],
  shown: readonly number[],
  frame: Frame,
  original: Size,
  wanted: Wanted,
  distinct?: number,
): { union: BinaryMask; each: (MaskFacts | undefined)[] } {
  const dropped = distinct === undefined ? new Set<number>() : repetitions(planes, distinct)
  const union: BinaryMask = {
    ...original,
    pixels: new Uint8Array(original.width * original.height),
    area: 0,
    boundingBox: undefined,
  }
  let united = 0
  const each = planes.map((plane, at) => {
    if (dropped.has(at)) return undefined
    const mask = maskOf(plane, frame, original)
    const facts = factsOf(mask, wanted)
    if (!shown.includes(at)) return facts
    if (united++ === 0) Object.assign(union, mask)
    else for (let i = 0; i < mask.pixels.length; i++) if (mask.pixels[i]) union.pixels[i] = 255
    return facts
  })
  if (united > 1) Object.assign(union, measure(union.pixels, union))
  return { union, each }
}

/** Which planes share more than `most` (IoU) with a plane before them that is none itself: non-maximum suppression. */
function repetitions(planes: readonly Plane[], most: number): Set<number> {
  const dropped = new Set<number>()
  for (const [at, { data }] of planes.entries()) {
    for (let before = 0; before < at && !dropped.has(at); before++) {
      const other = planes[before]?.data
      if (other && !dropped.has(before) && overlap(data, other) > most) dropped.add(at)
    }
  }
  return dropped
}

function overlap(a: Float32Array, b: Float32Array): number {
  let [both, either] = [0, 0]
  for (let at = 0; at < a.length; at++) {
    const [inA, inB] = [(a[at] ?? 0) > 0, (b[at] ?? 0) > 0]
    if (inA && inB) both++
    if (inA || inB) either++
  }
  return either === 0 ? 0 : both / either
}

/** For the logits at the frame's size. */
const inFrame = workspace()

/** One plane as a mask of the picture's size. */
export function maskOf(plane: Plane, frame: Frame, original: Size): BinaryMask {
  const logits = bounded(plane)
  if (frame.fit === 'stretch') return maskAtSize(logits, original)
  const square = { width: frame.side, height: frame.side }
  const part = sizeInFrame(frame, original)
  const pixels = part.width * part.height
  const memory = new Float32Array(inFrame(pixels * Float32Array.BYTES_PER_ELEMENT), 0, pixels).fill(0)
  return maskAtSize(resizeBilinear(logits, square, part, memory), original)
}

function factsOf(mask: BinaryMask, { rle, polygons }: Wanted): MaskFacts {
  return {
    area: mask.area,
    boundingBox: mask.boundingBox,
    ...(rle ? { rle: encodeRle(mask.pixels, mask, mask.boundingBox) } : {}),
    ...(polygons ? { outlines: polygonsOf(mask.pixels, mask, polygons, mask.boundingBox) } : {}),
  }
}
