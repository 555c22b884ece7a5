import { type Components, connectedComponents } from '../../images/components.ts'
import type { Size } from '../../images/decode.ts'

/** A free-standing closed outline up to this share of the drawing's diagonal is furniture. */
const FURNITURE = 0.16
/** Any free-standing mark up to this share is text or a symbol. */
const MARK = 0.035

/** Solid: most of the box is ink. */
const SOLID = 0.6

/**
 * Removes free-standing things that are no walls, in place: marks, and closed outlines of the size of furniture. Pillars stay, which
 * are solid and about as thick as walls; where only thick strokes are left, everything else stays, too.
 */
export function dropFurniture(mask: Uint8Array, size: Size, thickness: number, thinned: boolean): void {
  const things = connectedComponents(mask, size, 8)
  const drawing = drawingDiagonal(things)
  const least = (0.7 * thickness) ** 2
  const drop = new Uint8Array(things.count + 1)
  for (let thing = 1; thing <= things.count; thing++) {
    const { width, height } = boxOf(things, thing)
    const [area, diagonal] = [things.areas[thing] ?? 0, Math.hypot(width, height)]
    const pillar = area > SOLID * width * height && area >= least
    if (thinned) drop[thing] = area < least ? 1 : 0
    else if (diagonal < MARK * drawing) drop[thing] = pillar && thickness > 3 ? 0 : 1
    else if (!pillar && diagonal < FURNITURE * drawing) drop[thing] = isOutline(things, thing) ? 1 : 0
  }
  for (let at = 0; at < mask.length; at++) if (drop[things.labels[at] ?? 0]) mask[at] = 0
}

function boxOf({ boxes }: Components, thing: number) {
  const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * thing, 4 * thing + 4)
  return { left, top, right, bottom, width: right - left, height: bottom - top }
}

/** The diagonal of the box around all things that are not small beside the largest one. */
function drawingDiagonal(things: Components): number {
  let largest = 0
  for (let thing = 1; thing <= things.count; thing++) {
    const { width, height } = boxOf(things, thing)
    largest = Math.max(largest, Math.hypot(width, height))
  }
  const all = { left: things.width, top: things.height, right: 0, bottom: 0 }
  for (let thing = 1; thing <= things.count; thing++) {
    const { left, top, right, bottom, width, height } = boxOf(things, thing)
    if (Math.hypot(width, height) < largest / 4) continue
    all.left = Math.min(all.left, left)
    all.top = Math.min(all.top, top)
    all.right = Math.max(all.right, right)
    all.bottom = Math.max(all.bottom, bottom)
  }
  return Math.hypot(all.right - all.left, all.bottom - all.top)
}

/** Whether a thing encloses most of its box: the outline of a table, not a piece of wall. */
function isOutline(things: Components, thing: number): boolean {
  const { left, top, right, bottom, width, height } = boxOf(things, thing)
  // A rim of a pixel around the box joins all that is outside.
  const size = { width: width + 2, height: height + 2 }
  const paper = new Uint8Array(size.width * size.height).fill(1)
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      if (things.labels[y * things.width + x] === thing) paper[(y - top + 1) * size.width + x - left + 1] = 0
    }
  }
  const spaces = connectedComponents(paper, size, 4)
  const outside = spaces.areas[1] ?? 0
  return spaces.count > 1 && paper.length - outside > 0.5 * width * height
}
