import { traceContours } from '../../images/contours.ts'
import type { Size } from '../../images/decode.ts'
import { simplifyClosed } from '../../images/simplify.ts'

/** Values of a plan's pixels. */
export const FREE = 0
export const WALL = 1
/** Closed for the sake of the rooms, though nothing is drawn there: a doorway. */
export const BRIDGE = 2

type Point = { x: number; y: number }

/** The end of a wall: where its outline turns back on itself. */
type WallEnd = {
  /** The two corners of the end, and the middle between them. */
  corners: readonly [Point, Point]
  middle: Point
  /** Unit vector in which the wall would go on. */
  direction: Point
  /** Its sides are shorter than half its width: a stub beside a doorway, or the flank of a short piece of wall. */
  stub: boolean
}

/** A wall ends where its two sides are parallel to within this cosine (35 degrees). */
const ANTIPARALLEL = -0.82
/** A storey of a hundred rooms has some hundreds. */
const MOST_ENDS = 5000
/** A gap may be this many times longer where thin lines (a window, a sill) run along it. */
const DRAWN_GAP = 4
/** Share of a gap's length along which something must be drawn for that. */
const DRAWN_SHARE = 0.7

/**
 * Closes doorways: from each end of a wall, a bridge as wide as the wall goes straight on to the next wall, if that is within
 * `longest` pixels. Unlike a morphological closing, this leaves corridors and niches that are narrower than a door.
 * `plan` (FREE and WALL) is changed in place.
 */
export function bridgeGaps(
  plan: Uint8Array<ArrayBuffer>,
  ink: Uint8Array,
  size: Size,
  { longest, thickness }: { longest: number; thickness: number },
): void {
  const bridges: { end: WallEnd; length: number }[] = []
  const ends = wallEnds(plan, size, thickness)
  // What has more is no plan but noise: looking for the way from each to each would take minutes.
  if (ends.length > MOST_ENDS) return
  for (const end of ends) {
    const length = gapLength(plan, ink, size, end, longest)
    // What may be a flank counts as an end only opposite another one.
    if (length !== undefined && (!end.stub || facesAnEnd(end, length, ends))) bridges.push({ end, length })
  }
  bridges.sort((a, b) => a.length - b.length)
  for (const { end } of bridges) {
    // Measured anew: a shorter bridge may be in the way now.
    const length = gapLength(plan, ink, size, end, longest)
    if (length !== undefined) fillBridge(plan, size, end, length)
  }
}

function facesAnEnd({ middle, direction, corners }: WallEnd, length: number, ends: readonly WallEnd[]): boolean {
  const reached = { x: middle.x + direction.x * length, y: middle.y + direction.y * length }
  const near = Math.max(3, Math.hypot(corners[1].x - corners[0].x, corners[1].y - corners[0].y))
  return ends.some(
    (other) =>
      Math.hypot(other.middle.x - reached.x, other.middle.y - reached.y) <= near &&
      other.direction.x * direction.x + other.direction.y * direction.y < ANTIPARALLEL,
  )
}

function wallEnds(plan: Uint8Array<ArrayBuffer>, size: Size, thickness: number): WallEnd[] {
  const ends: WallEnd[] = []
  const widest = 1.6 * thickness + 2
  for (const contour of traceContours(plan, size, WALL, 8)) {
    const points = simplifyClosed(contour.points, Math.max(1.1, thickness * 0.2))
    const count = points.length / 2
    const at = (index: number): Point => {
      const wrapped = (index + count) % count
      return { x: points[2 * wrapped] ?? 0, y: points[2 * wrapped + 1] ?? 0 }
    }
    // A pillar has nothing but ends: it may be met, but nothing starts there.
    if (contour.area > 0 && spanOf(points) < 1.25 * widest) continue
    for (let first = 0; first < count; first++) {
      let found: WallEnd | undefined
      let around = 0
      for (let edges = 0; edges <= Math.min(3, count - 2) && !found; edges++) {
        if (edges > 0) around += towards(at(first + edges - 1), at(first + edges)).length
        if (around > widest) break
        found = wallEnd(at(first - 1), at(first), at(first + edges), at(first + edges + 1), widest)
      }
      if (found) ends.push(found)
    }
  }
  return ends
}

/** The end between the side that arrives at `from` and the side that leaves `to`, if it is one. */
function wallEnd(before: Point, from: Point, to: Point, after: Point, widest: number): WallEnd | undefined {
  const across = Math.hypot(to.x - from.x, to.y - from.y)
  if (across > widest) return undefined
  const arriving = towards(before, from)
  const leaving = towards(to, after)
  if (Math.min(arriving.length, leaving.length) < Math.max(3, across / 4)) return undefined
  if (arriving.x * leaving.x + arriving.y * leaving.y > ANTIPARALLEL) return undefined
  // Wall is at the right hand of the outline: at a wall's end, it turns to the right.
  const chord = across > 0 ? { x: to.x - from.x, y: to.y - from.y } : { x: leaving.x, y: leaving.y }
  if (arriving.x * chord.y - arriving.y * chord.x < 0 && across > 0) return undefined
  if (across === 0 && arriving.x * leaving.y - arriving.y * leaving.x < 0) return undefined
  // The longer side says better where the wall points to.
  const [a, b] = [arriving.length, leaving.length]
  const x = arriving.x * a - leaving.x * b
  const y = arriving.y * a - leaving.y * b
  const norm = Math.hypot(x, y)
  return {
    corners: [from, to],
    middle: { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 },
    direction: { x: x / norm, y: y / norm },
    stub: Math.min(arriving.length, leaving.length) < across / 2,
  }
}

/** The unit vector from one point to another, and their distance. */
function towards(from: Point, to: Point): Point & { length: number } {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  return length === 0 ? { x: 0, y: 0, length } : { x: (to.x - from.x) / length, y: (to.y - from.y) / length, length }
}

function spanOf(points: readonly number[]): number {
  const xs = points.filter((_, at) => at % 2 === 0)
  const ys = points.filter((_, at) => at % 2 === 1)
  const span = (values: number[]) => values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b))
  return Math.max(span(xs), span(ys))
}

/** How far a wall's end is from the next wall straight ahead, if that is near enough. */
function gapLength(
  plan: Uint8Array,
  ink: Uint8Array,
  { width, height }: Size,
  { middle, direction, corners }: WallEnd,
  longest: number,
): number | undefined {
  const across = Math.hypot(corners[1].x - corners[0].x, corners[1].y - corners[0].y)
  let drawn = 0
  let open = 0
  for (let step = 1; step <= longest * DRAWN_GAP; step++) {
    const x = Math.floor(middle.x + direction.x * step)
    const y = Math.floor(middle.y + direction.y * step)
    if (x < 0 || y < 0 || x >= width || y >= height) return undefined
    if (plan[y * width + x] === FREE) open++
    // At first there may be the end itself, which is not straight, or a bridge that starts at one of its corners.
    else if (step > across / 2 + 2) return open > 0 ? step : undefined
    drawn += inkAcross(middle.x + direction.x * step, middle.y + direction.y * step) ? 1 : 0
    if (step > longest && drawn < step * DRAWN_SHARE) return undefined
  }
  return undefined

  function inkAcross(centreX: number, centreY: number): boolean {
    for (let off = -across / 2; off <= across / 2; off++) {
      const x = Math.floor(centreX - direction.y * off)
      const y = Math.floor(centreY + direction.x * off)
      if (x >= 0 && y >= 0 && x < width && y < height && ink[y * width + x]) return true
    }
    return false
  }
}

/** Makes the free pixels between a wall's end and the wall ahead a bridge, at least two pixels wide so that nothing slips through. */
function fillBridge(
  plan: Uint8Array,
  { width, height }: Size,
  { corners, middle, direction }: WallEnd,
  length: number,
): void {
  const half = Math.max(1, Math.hypot(corners[1].x - corners[0].x, corners[1].y - corners[0].y) / 2)
  for (let along = -1; along <= length + half; along += 0.5) {
    for (let off = -half; off <= half; off += 0.5) {
      const x = Math.floor(middle.x + direction.x * along - direction.y * off)
      const y = Math.floor(middle.y + direction.y * along + direction.x * off)
      if (x < 0 || y < 0 || x >= width || y >= height) continue
      if (plan[y * width + x] === FREE && reaches(x, y)) plan[y * width + x] = BRIDGE
    }
  }

  /** Beyond the wall that was met, only what lies before it at the sides still belongs to the bridge. */
  function reaches(x: number, y: number): boolean {
    return (x + 0.5 - middle.x) * direction.x + (y + 0.5 - middle.y) * direction.y <= length + half
  }
}
