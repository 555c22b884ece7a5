import { type Contour, traceContours } from '../images/contours.ts'
import type { Size } from '../images/decode.ts'
import { simplifyClosed } from '../images/simplify.ts'

/** [x, y] in pixels, along the edges between them: (0, 0) is the top left corner of the first pixel. Not closed by a repetition. */
export type Ring = [number, number][]

/** The outline first, then the holes, as in GeoJSON's Polygon. */
export type Polygon = Ring[]

export type Outlines = {
  /** The largest first. */
  polygons: Polygon[]
  /** How many parts of the mask are left out, being the smallest of more than are given. */
  omitted: number
}

/** `parts` bounds the polygons, and their holes all together; `corners` what is written of them. */
export type OutlineLimits = { parts: number; corners: number }

/**
 * The parts of a mask as polygons: of the pixels that are 255, those that touch only at corners apart. All of them lie in the
 * box given, [left, top, right, bottom]. With `epsilon` 0 a polygon has as much area as its part has pixels; with more, no
 * corner that is left out lies farther than that from the outline (pixels).
 */
export function polygonsOf(
  pixels: Uint8Array,
  size: Size,
  { epsilon, limits }: { epsilon: number; limits: OutlineLimits },
  [left, top, right, bottom]: readonly [number, number, number, number] = [0, 0, size.width, size.height],
): Outlines {
  const contours = traceContours(pixels, size, 255, 4, { left, top, right, bottom })
  const outer = contours.filter(({ area }) => area > 0).sort((a, b) => b.area - a.area)
  const parts = outer
    .slice(0, limits.parts)
    .map((contour) => ({ contour, box: boundsOf(contour.points), holes: [] as Contour[] }))
  for (const hole of largestHoles(contours, limits.parts)) {
    const [x, y] = pixelBeside(hole.points)
    // Of the parts around it (an island in a hole lies in two) the hole belongs to the smallest, the last.
    parts.findLast(({ contour, box }) => within(x, y, box) && contains(contour.points, x, y))?.holes.push(hole)
  }
  const polygons: Polygon[] = []
  let corners = 0
  for (const { contour, holes } of parts) {
    const [outline, ...inner] = [contour, ...holes].map(({ points }) => ring(simplifyClosed(points, epsilon)))
    if (!outline || outline.length < MIN_CORNERS) continue
    const polygon = [outline, ...inner.filter((hole) => hole.length >= MIN_CORNERS)]
    corners += polygon.reduce((sum, { length }) => sum + length, 0)
    if (corners > limits.corners) break
    polygons.push(polygon)
  }
  return { polygons, omitted: outer.length - polygons.length }
}

/** What simplification leaves fewer corners of has no area. */
const MIN_CORNERS = 3

/** Which of the outlines run the other way around, the largest first. */
function largestHoles(contours: readonly Contour[], limit: number): Contour[] {
  return contours
    .filter(({ area }) => area < 0)
    .sort((a, b) => a.area - b.area)
    .slice(0, limit)
}

function ring(points: readonly number[]): Ring {
  return Array.from({ length: points.length / 2 }, (_, at) => [points[2 * at] ?? 0, points[2 * at + 1] ?? 0])
}

/** The middle of the pixel at the right hand of an outline's first edge, which is one of the shape's. */
function pixelBeside(points: Int32Array): [number, number] {
  const [x = 0, y = 0, nextX = 0, nextY = 0] = points
  const [dx, dy] = [Math.sign(nextX - x), Math.sign(nextY - y)]
  return [x + dx / 2 - dy / 2, y + dy / 2 + dx / 2]
}

type Bounds = { left: number; top: number; right: number; bottom: number }

function boundsOf(points: Int32Array): Bounds {
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity }
  for (let at = 0; at < points.length; at += 2) {
    const [x, y] = [points[at] ?? 0, points[at + 1] ?? 0]
    bounds.left = Math.min(bounds.left, x)
    bounds.right = Math.max(bounds.right, x)
    bounds.top = Math.min(bounds.top, y)
    bounds.bottom = Math.max(bounds.bottom, y)
  }
  return bounds
}

const within = (x: number, y: number, { left, top, right, bottom }: Bounds) =>
  x > left && x < right && y > top && y < bottom

/** By the edges that a ray to the left crosses; the point is the middle of a pixel, so that it never lies on one. */
function contains(points: Int32Array, x: number, y: number): boolean {
  let inside = false
  for (let at = 0; at < points.length; at += 2) {
    const next = (at + 2) % points.length
    const [ax, ay, by] = [points[at] ?? 0, points[at + 1] ?? 0, points[next + 1] ?? 0]
    if (ay > y !== by > y && ax < x) inside = !inside
  }
  return inside
}
