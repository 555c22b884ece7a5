import { connectedComponents, select } from '../../images/components.ts'
import type { Size } from '../../images/decode.ts'
import { DISTANCE_UNIT, distanceToZero, distanceWithin } from '../../images/distance.ts'
import { fillHollowWalls, fillPinholes } from './cavities.ts'
import { dropFurniture } from './furniture.ts'
import { commonThickness, penThickness, strokeLengths } from './strokes.ts'

export type Walls = {
  /** 1 where there is wall. */
  mask: Uint8Array<ArrayBuffer>
  /** The thickest stroke that makes up a good part of the walls, in pixels. */
  thickness: number
  /** Whether thinner lines (furniture, doors, text) were told from walls by their thickness and left out. */
  thinned: boolean
}

/**
 * Shares of the picture's longest side: what is smaller is dirt, and what is thinner may be a pen's line. A sheet is drawn so that a
 * person can read it, hence they hold for any resolution.
 */
const SPECK = 0.004
const PEN = 0.006

/**
 * Tells walls from the rest of the ink.
 * @param minThickness in pixels: thinner lines are no walls; undefined to find out, 0 to keep all.
 */
export function findWalls(ink: Uint8Array<ArrayBuffer>, size: Size, minThickness: number | undefined): Walls {
  const longest = Math.max(size.width, size.height)
  const pen = Math.max(3, longest * PEN)
  let drawn = dropSpecks(ink, size, longest * SPECK)
  const paper = fillPinholes(drawn, size)
  let distances = distanceToZero(drawn, size)
  let strokes = strokeLengths(distances, size)
  if (penThickness(strokes, pen) === 0) {
    // Nothing is thick: the walls may be drawn by their two sides.
    const filled = fillHollowWalls(paper)
    if (filled) {
      drawn = filled
      distances = distanceToZero(drawn, size)
      strokes = strokeLengths(distances, size)
    }
  }
  const cut = minThickness ?? penThickness(strokes, pen)
  const thinned = cut > 1
  const mask = thinned ? open(drawn, distances, size, cut) : drawn
  const thickness = commonThickness(strokes, cut)
  dropFurniture(mask, size, thickness, thinned)
  return { mask, thickness, thinned }
}

function dropSpecks(ink: Uint8Array<ArrayBuffer>, size: Size, side: number): Uint8Array<ArrayBuffer> {
  const marks = connectedComponents(ink, size, 8)
  const keep = new Uint8Array(marks.count + 1)
  for (let mark = 1; mark <= marks.count; mark++) {
    const [left = 0, top = 0, right = 0, bottom = 0] = marks.boxes.subarray(4 * mark, 4 * mark + 4)
    keep[mark] = right - left > side || bottom - top > side ? 1 : 0
  }
  return select(marks, keep)
}

/** Keeps the strokes of at least `thickness`: what is left of the ink around their middles, corners included. */
function open(
  ink: Uint8Array<ArrayBuffer>,
  distances: Uint16Array,
  size: Size,
  thickness: number,
): Uint8Array<ArrayBuffer> {
  const radius = (thickness * DISTANCE_UNIT) / 2
  const middles = new Uint8Array(ink.length)
  for (let at = 0; at < ink.length; at++) middles[at] = (distances[at] ?? 0) >= radius ? 1 : 0
  const away = distanceWithin(ink, middles, size)
  // A square corner lies root two times as far from the middle as an edge.
  const reach = radius * Math.SQRT2 + DISTANCE_UNIT
  for (let at = 0; at < ink.length; at++) middles[at] = (away[at] ?? 0) <= reach ? 1 : 0
  return middles
}
