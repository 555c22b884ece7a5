import type { Size } from '../images/decode.ts'

/**
 * A mask as COCO writes it: the lengths of runs of pixels outside and inside in turn, outside first, column by column.
 * `size` is [height, width], `counts` the compressed string that pycocotools' `decode` takes as it is.
 */
export type CocoRle = { size: [number, number]; counts: string }

/** Columns that are scanned together: a cache line's worth, since the rows of a picture lie one after another. */
const TILE = 64

/** A part of a picture: [left, top, right, bottom], right and bottom exclusive. */
type Box = readonly [number, number, number, number]

/** The COCO run lengths of the pixels that are not 0, all of which lie in `box`. */
export function encodeRle(pixels: Uint8Array, { width, height }: Size, box: Box = [0, 0, width, height]): CocoRle {
  return { size: [height, width], counts: compress(runLengths(pixels, { width, height }, box)) }
}

/**
 * The pixels of a mask, 255 inside.
 * @throws RangeError when the runs do not fill the size exactly.
 */
export function decodeRle({ size: [height, width], counts }: CocoRle): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(width * height)
  let at = 0
  for (const [index, run] of decompress(counts).entries()) {
    const end = at + run
    if (run < 0 || end > pixels.length)
      throw new RangeError(`run ${index} leaves the mask of ${width} x ${height} pixels`)
    if (index % 2 === 1) for (let i = at; i < end; i++) pixels[(i % height) * width + Math.floor(i / height)] = 255
    at = end
  }
  if (at !== pixels.length) throw new RangeError(`the runs fill ${at} of ${pixels.length} pixels`)
  return pixels
}

function runLengths(pixels: Uint8Array, { width, height }: Size, [first, top, end, bottom]: Box): number[] {
  const runs: number[] = []
  let [last, inside] = [0, false]
  const change = (position: number) => {
    runs.push(position - last)
    last = position
  }
  for (let left = first; left < end; left += TILE) {
    const columns = changesOf(pixels, width, top, bottom, left, Math.min(TILE, end - left))
    for (const [column, changes] of columns.entries()) {
      // A column that reaches the box's lower edge ends there, unless that is the picture's.
      if (changes.length % 2 === 1 && bottom < height) changes.push(bottom)
      const start = (left + column) * height
      // Each column was scanned as if outside came before it; where inside did, its first change moves or goes.
      if (inside && changes[0] !== 0) change(start)
      for (const y of changes) if (!(inside && y === 0)) change(start + y)
      inside = changes.length % 2 === 1
    }
  }
  // Inside to the end of the last column: what follows it is outside.
  if (inside && end < width) change(end * height)
  runs.push(width * height - last)
  return runs
}

/** Where each of some columns changes between outside and inside. */
function changesOf(
  pixels: Uint8Array,
  width: number,
  top: number,
  bottom: number,
  left: number,
  count: number,
): number[][] {
  const changes: number[][] = Array.from({ length: count }, () => [])
  const before = new Uint8Array(count)
  for (let y = top; y < bottom; y++) {
    const row = y * width + left
    for (let x = 0; x < count; x++) {
      const value = pixels[row + x] ? 1 : 0
      if (value === before[x]) continue
      before[x] = value
      changes[x]?.push(y)
    }
  }
  return changes
}

/**
 * pycocotools' own code (maskApi.c, rleToString): from the fourth run on the difference to the run before the last, in groups of
 * five bits, lowest first, with a sixth bit for "more", as characters from '0' on.
 */
function compress(runs: readonly number[]): string {
  const bytes: number[] = []
  for (const [index, run] of runs.entries()) {
    let value = index > 2 ? run - (runs[index - 2] ?? 0) : run
    let more = true
    while (more) {
      const group = value & 0x1f
      value >>= 5
      more = group & 0x10 ? value !== -1 : value !== 0
      bytes.push((more ? group | 0x20 : group) + 48)
    }
  }
  return Buffer.from(bytes).toString('latin1')
}

function decompress(counts: string): number[] {
  const runs: number[] = []
  const bytes = Buffer.from(counts, 'latin1')
  for (let at = 0; at < bytes.length; ) {
    let [value, shift, group] = [0, 0, 0x20]
    while (group & 0x20) {
      group = (bytes[at++] ?? 48) - 48
      value |= (group & 0x1f) << shift
      shift += 5
    }
    if (group & 0x10) value |= -1 << shift
    runs.push(runs.length > 2 ? value + (runs[runs.length - 2] ?? 0) : value)
  }
  return runs
}
