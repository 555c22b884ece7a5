import { type Components, connectedComponents } from '../../images/components.ts'
import type { Size } from '../../images/decode.ts'
import { DISTANCE_UNIT, distanceToZero, distanceWithin } from '../../images/distance.ts'

export type Walls = {
  /** 1 where there is wall. */
  mask: Uint8Array<ArrayBuffer>
  /** The thickest stroke that makes up a good part of the walls, in pixels. */
  thickness: number
  /** Whether thinner lines (furniture, doors, text) were told from walls by their thickness and left out. */
  thinned: boolean
}

/** Shares of the picture's longest side. A sheet is drawn so that a person can read it, hence these hold for any resolution. */
const SPECK = 0.004
const WALL_CAVITY = 0.02
/** A cavity is at least this many times as long as it is wide. */
const LONG = 5
/** Walls are drawn hollow where their cavities have this length together, in longest sides. */
const HOLLOW = 2
const PEN = 0.006
/** A free-standing closed outline up to this share of the drawing's diagonal is furniture. */
const FURNITURE = 0.16
/** Any free-standing mark up to this share is text or a symbol. */
const MARK = 0.035
/** Strokes may be walls beside a pen's lines from this ratio of thickness, and if they make up this share of the ink. */
const THICKER = 2
const THICK_SHARE = 0.25
/** A pen's lines make up at least this share of the strokes, and vary up to this ratio. */
const PEN_SHARE = 0.05
const PEN_SPREAD = 1.6

/**
 * Tells walls from the rest of the ink.
 * @param minThickness in pixels: thinner lines are no walls; undefined to find out, 0 to keep all.
 */
export function findWalls(ink: Uint8Array<ArrayBuffer>, size: Size, minThickness: number | undefined): Walls {
  const longest = Math.max(size.width, size.height)
  const drawn = fillCavities(dropSpecks(ink, size, longest * SPECK), size, longest)
  const distances = distanceToZero(drawn, size)
  const strokes = strokeLengths(distances, size)
  const cut = minThickness ?? penThickness(strokes, Math.max(3, longest * PEN))
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

/** The pixels of the components that are chosen by a 1 at their numbers. */
function select({ labels }: Components, chosen: Uint8Array): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(labels.length)
  for (let at = 0; at < labels.length; at++) mask[at] = chosen[labels[at] ?? 0] ?? 0
  return mask
}

/** Pinholes of scanned walls, and the space between the two lines of a wall that is drawn hollow, become wall. */
function fillCavities(ink: Uint8Array<ArrayBuffer>, size: Size, longest: number): Uint8Array<ArrayBuffer> {
  const paper = new Uint8Array(ink.length)
  for (let at = 0; at < ink.length; at++) paper[at] = 1 - (ink[at] ?? 0)
  const spaces = connectedComponents(paper, size, 4)
  const outlines = outlineLengths(spaces)
  const pinhole = Math.max(1, (longest * SPECK) / 2) ** 2
  // Ink, which is no space, has the number 0.
  const fill = new Uint8Array(spaces.count + 1).fill(1, 0, 1)
  const narrow: number[] = []
  for (let space = 1; space <= spaces.count; space++) {
    const area = spaces.areas[space] ?? 0
    // About, and at most, the width of a long strip, whose outline is at least twice its length.
    const width = (2 * area) / (outlines[space] ?? 1)
    if (area <= pinhole) fill[space] = 1
    else if (area > LONG * width * width && width <= longest * WALL_CAVITY && !touchesBorder(spaces, space))
      narrow.push(space)
  }
  for (const cavity of wallCavities(spaces, outlines, narrow, paper, longest)) fill[cavity] = 1
  return select(spaces, fill)
}

/** Those of the narrow spaces that lie in hollow walls: none if they are few, for those are windows and shelves. */
function wallCavities(
  spaces: Components,
  outlines: Int32Array,
  narrow: readonly number[],
  paper: Uint8Array,
  longest: number,
): number[] {
  // Half the outline is at least the length: the exact widths are measured only where the result may depend on them.
  if (narrow.reduce((sum, space) => sum + (outlines[space] ?? 0) / 2, 0) < HOLLOW * longest) return []
  const widths = widest(spaces, distanceToZero(paper, spaces))
  const lengthOf = (space: number) => (spaces.areas[space] ?? 0) / (widths[space] ?? 1)
  const long = narrow.filter(
    (space) => lengthOf(space) > LONG * (widths[space] ?? 0) && (widths[space] ?? 0) <= longest * WALL_CAVITY,
  )
  return long.reduce((sum, space) => sum + lengthOf(space), 0) > HOLLOW * longest ? long : []
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

/** Whether a component reaches the picture's border. */
export function touchesBorder({ boxes, width, height }: Components, component: number): boolean {
  const box = 4 * component
  return boxes[box] === 0 || boxes[box + 1] === 0 || boxes[box + 2] === width || boxes[box + 3] === height
}

/** How much stroke there is of each thickness: pixels of the middle lines, by the distance from there to the edge. */
function strokeLengths(distances: Uint16Array, { width, height }: Size): Float64Array {
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
 * The pen's thickness is the least that makes up a good part of the strokes.
 */
function penThickness(lengths: Float64Array, thickest: number): number {
  const total = lengths.reduce((sum, length) => sum + length, 0)
  let [pen, longest, seen] = [0, 0, 0]
  for (const [distance, length] of lengths.entries()) {
    if (thicknessOf(distance) > thickest) break
    // Another class begins where the strokes so far are many and the next are much thicker than the most common of them.
    if (seen > total * PEN_SHARE && thicknessOf(distance) > PEN_SPREAD * pen) break
    seen += length
    if (length > longest) [pen, longest] = [thicknessOf(distance), length]
  }
  if (seen <= total * PEN_SHARE) return 0
  let [thick, all] = [0, 0]
  for (const [distance, length] of lengths.entries()) {
    const ink = length * thicknessOf(distance)
    all += ink
    if (thicknessOf(distance) >= THICKER * pen) thick += ink
  }
  return thick >= all * THICK_SHARE ? PEN_SPREAD * pen + 0.5 : 0
}

/** The thickness that a tenth of the walls' ink exceeds: the thickest walls, without the blots where they meet. */
function commonThickness(lengths: Float64Array, cut: number): number {
  const ink = lengths.map((length, distance) => (thicknessOf(distance) < cut ? 0 : length * distance))
  const total = ink.reduce((sum, amount) => sum + amount, 0)
  let seen = 0
  for (const [distance, amount] of ink.entries()) {
    seen += amount
    if (seen >= total * 0.9 && total > 0) return Math.max(1, thicknessOf(distance))
  }
  return 1
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

/** Removes free-standing things that are no walls, in place: marks, and closed outlines of the size of furniture. */
function dropFurniture(mask: Uint8Array, size: Size, thickness: number, thinned: boolean): void {
  const things = connectedComponents(mask, size, 8)
  const diagonals = new Float64Array(things.count + 1)
  const extents = [size.width, size.height, 0, 0]
  for (let thing = 1; thing <= things.count; thing++) {
    const [left, top, right, bottom] = things.boxes.subarray(4 * thing, 4 * thing + 4)
    diagonals[thing] = Math.hypot((right ?? 0) - (left ?? 0), (bottom ?? 0) - (top ?? 0))
  }
  const largest = diagonals.reduce((a, b) => Math.max(a, b), 0)
  for (let thing = 1; thing <= things.count; thing++) {
    if ((diagonals[thing] ?? 0) < largest / 4) continue
    const [left, top, right, bottom] = things.boxes.subarray(4 * thing, 4 * thing + 4)
    extents[0] = Math.min(extents[0] ?? 0, left ?? 0)
    extents[1] = Math.min(extents[1] ?? 0, top ?? 0)
    extents[2] = Math.max(extents[2] ?? 0, right ?? 0)
    extents[3] = Math.max(extents[3] ?? 0, bottom ?? 0)
  }
  const drawing = Math.hypot((extents[2] ?? 0) - (extents[0] ?? 0), (extents[3] ?? 0) - (extents[1] ?? 0))
  const drop = new Uint8Array(things.count + 1)
  for (let thing = 1; thing <= things.count; thing++) {
    const [left, top, right, bottom] = things.boxes.subarray(4 * thing, 4 * thing + 4)
    const boxArea = ((right ?? 0) - (left ?? 0)) * ((bottom ?? 0) - (top ?? 0))
    const [area, diagonal] = [things.areas[thing] ?? 0, diagonals[thing] ?? 0]
    // A pillar: solid, and at least about as thick as the walls.
    const solid = area > 0.6 * boxArea && area >= (0.7 * thickness) ** 2
    if (thinned ? area < (0.7 * thickness) ** 2 : !(solid && thickness > 3) && diagonal < MARK * drawing)
      drop[thing] = 1
    else if (!thinned && !solid && diagonal < FURNITURE * drawing && isOutline(mask, things, thing)) drop[thing] = 1
  }
  for (let at = 0; at < mask.length; at++) if (drop[things.labels[at] ?? 0]) mask[at] = 0
}

/** Whether a thing encloses most of its box: the outline of a table, not a piece of wall. */
function isOutline(mask: Uint8Array, { boxes, labels, width }: Components, thing: number): boolean {
  const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * thing, 4 * thing + 4)
  const size = { width: right - left + 2, height: bottom - top + 2 }
  const outside = new Uint8Array(size.width * size.height).fill(1)
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = y * width + x
      if (mask[at] && labels[at] === thing) outside[(y - top + 1) * size.width + x - left + 1] = 0
    }
  }
  const spaces = connectedComponents(outside, size, 4)
  const around = spaces.areas[1] ?? 0
  return outside.length - around > 0.5 * (right - left) * (bottom - top) && spaces.count > 1
}
