import { type Components, connectedComponents, select, touchesBorder } from '../../images/components.ts'
import type { Size } from '../../images/decode.ts'
import { DISTANCE_UNIT, distanceToZero } from '../../images/distance.ts'

/** Holes in the ink up to this share of the longest side across are faults of the print. */
const PINHOLE = 0.002
/** The space between the two lines of a wall is at most this share of the longest side wide, */
const WIDEST = 0.02
/** this many times as long, */
const LONG = 5
/** and all of them together have this many times the longest side's length: a few are windows and shelves. */
const TOGETHER = 2

/** The paper that ink encloses. */
export type Paper = { mask: Uint8Array<ArrayBuffer>; spaces: Components }

/** Fills the ink's pinholes, in place, and finds its spaces. */
export function fillPinholes(ink: Uint8Array<ArrayBuffer>, size: Size): Paper {
  const mask = new Uint8Array(ink.length)
  for (let at = 0; at < ink.length; at++) mask[at] = 1 - (ink[at] ?? 0)
  const spaces = connectedComponents(mask, size, 4)
  const most = Math.max(1, Math.max(size.width, size.height) * PINHOLE) ** 2
  const { areas, labels } = spaces
  for (let at = 0; at < ink.length; at++) {
    const space = labels[at] ?? 0
    if (space === 0 || (areas[space] ?? 0) > most) continue
    ink[at] = 1
    mask[at] = 0
  }
  return { mask, spaces }
}

/** The ink with the spaces inside hollow walls filled; undefined where walls are not drawn so. */
export function fillHollowWalls({ mask, spaces }: Paper): Uint8Array<ArrayBuffer> | undefined {
  const longest = Math.max(spaces.width, spaces.height)
  const outlines = outlineLengths(spaces)
  const narrow: number[] = []
  let atMost = 0
  for (let space = 1; space <= spaces.count; space++) {
    const area = spaces.areas[space] ?? 0
    const outline = outlines[space] ?? 1
    // About, and at most, the width of a long strip, whose outline is at least twice its length.
    const width = (2 * area) / outline
    if (area <= LONG * width * width || width > longest * WIDEST || touchesBorder(spaces, space)) continue
    narrow.push(space)
    atMost += outline / 2
  }
  // The exact widths are measured only where the result may depend on them.
  if (atMost < TOGETHER * longest) return undefined
  const widths = widest(spaces, distanceToZero(mask, spaces))
  const lengthOf = (space: number) => (spaces.areas[space] ?? 0) / (widths[space] ?? 1)
  const cavities = narrow.filter((space) => {
    const width = widths[space] ?? 0
    return lengthOf(space) > LONG * width && width <= longest * WIDEST
  })
  if (cavities.reduce((sum, space) => sum + lengthOf(space), 0) < TOGETHER * longest) return undefined
  const filled = new Uint8Array(spaces.count + 1)
  for (const cavity of cavities) filled[cavity] = 1
  const ink = select(spaces, filled)
  for (let at = 0; at < ink.length; at++) ink[at] = (ink[at] ?? 0) | (1 - (mask[at] ?? 0))
  return ink
}

/** The widest place of each component, in pixels. */
function widest(components: Components, distances: Uint16Array): Float32Array {
  const widths = new Float32Array(components.count + 1)
  for (let at = 0; at < distances.length; at++) {
    const label = components.labels[at] ?? 0
    const width = (2 * (distances[at] ?? 0)) / DISTANCE_UNIT - 1
    if (width > (widths[label] ?? 0)) widths[label] = width
  }
  return widths
}

/** The number of pixel edges around each component, those on the picture's border not counted. */
function outlineLengths({ labels, count, width }: Components): Int32Array {
  const lengths = new Int32Array(count + 1)
  const meet = (a: number, b: number) => {
    lengths[a] = (lengths[a] ?? 0) + 1
    lengths[b] = (lengths[b] ?? 0) + 1
  }
  for (let at = 1; at < labels.length; at++) {
    const here = labels[at] ?? 0
    const left = labels[at - 1] ?? 0
    if (here !== left && at % width !== 0) meet(here, left)
    const above = at >= width ? (labels[at - width] ?? 0) : here
    if (here !== above) meet(here, above)
  }
  return lengths
}
