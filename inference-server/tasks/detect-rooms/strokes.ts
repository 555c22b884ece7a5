import type { Size } from '../../images/decode.ts'
import { DISTANCE_UNIT } from '../../images/distance.ts'

/** Strokes may be walls beside a pen's lines from this ratio of thickness, and if they make up this share of the ink. */
const THICKER = 2.5
const THICK_SHARE = 0.25
/** A pen's lines make up at least this share of the strokes. */
const PEN_SHARE = 0.05
/** A thickness that is rarer comes from where strokes meet. */
const RARE = 0.004
/** Classes of strokes lie farther apart than this ratio, and than this many pixels. */
const APART = 1.35
const APART_PIXELS = 1.5

/** How much stroke there is of each thickness: pixels of the middle lines, by the distance from there to the edge. */
export function strokeLengths(distances: Uint16Array, { width, height }: Size): Float64Array {
  const lengths = new Float64Array(65_536)
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * width + 1; at < (y + 1) * width - 1; at++) {
      const here = distances[at] ?? 0
      if (here === 0) continue
      if (here < (distances[at - 1] ?? 0) || here < (distances[at + 1] ?? 0)) continue
      if (here < (distances[at - width] ?? 0) || here < (distances[at + width] ?? 0)) continue
      if (here < (distances[at - width - 1] ?? 0) || here < (distances[at + width + 1] ?? 0)) continue
      if (here < (distances[at - width + 1] ?? 0) || here < (distances[at + width - 1] ?? 0)) continue
      lengths[here] = (lengths[here] ?? 0) + 1
    }
  }
  return lengths
}

/** A stroke's thickness, given the distance of its middle from paper: half a pixel off at most, for odd and even ones. */
const thicknessOf = (distance: number) => (2 * distance) / DISTANCE_UNIT - 0.5

/**
 * Between the pen's lines and thicker strokes, in pixels; 0 where nothing is drawn by a pen, or nothing is thicker.
 * The pen's lines are the thinnest class of strokes of which there are many.
 */
export function penThickness(lengths: Float64Array, thickest: number): number {
  const total = lengths.reduce((sum, length) => sum + length, 0)
  const classes = strokeClasses(lengths, total * RARE)
  for (const [at, pen] of classes.entries()) {
    if (pen.mean > thickest) return 0
    const next = classes[at + 1]
    if (!next || pen.length < total * PEN_SHARE) continue
    let [thick, all] = [0, 0]
    for (const [distance, length] of lengths.entries()) {
      const ink = length * Math.max(0, thicknessOf(distance))
      all += ink
      if (thicknessOf(distance) >= THICKER * pen.mean) thick += ink
    }
    return thick >= all * THICK_SHARE ? Math.sqrt(pen.most * next.least) : 0
  }
  return 0
}

type StrokeClass = { least: number; most: number; mean: number; length: number }

/** Thicknesses that follow each other closely, the thinnest first. */
function strokeClasses(lengths: Float64Array, rare: number): StrokeClass[] {
  const classes: StrokeClass[] = []
  for (const [distance, length] of lengths.entries()) {
    if (length <= rare) continue
    const thickness = thicknessOf(distance)
    const last = classes.at(-1)
    if (last && thickness <= Math.max(last.most * APART, last.most + APART_PIXELS)) {
      last.mean = (last.mean * last.length + thickness * length) / (last.length + length)
      last.length += length
      last.most = thickness
    } else classes.push({ least: thickness, most: thickness, mean: thickness, length })
  }
  return classes
}

/** The thickness that a tenth of the walls' ink exceeds: the thickest walls, without the blots where they meet. */
export function commonThickness(lengths: Float64Array, cut: number): number {
  const ink = lengths.map((length, distance) => (thicknessOf(distance) < cut ? 0 : length * distance))
  const total = ink.reduce((sum, amount) => sum + amount, 0)
  let seen = 0
  for (const [distance, amount] of ink.entries()) {
    seen += amount
    if (seen >= total * 0.9 && total > 0) return Math.max(1, thicknessOf(distance))
  }
  return 1
}
