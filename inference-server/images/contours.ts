import type { Size } from './decode.ts'

/**
 * One closed outline along the edges between pixels, the shape on its right hand: an outer outline runs clockwise on the screen
 * and has a positive area, a hole's runs the other way and has a negative one. Corners only.
 * Since it runs along the edges and not through the middles of pixels, its area is the number of pixels inside.
 */
export type Contour = {
  /** x0, y0, x1, y1, … in pixels; (0, 0) is the top left corner of the first pixel. */
  points: Int32Array<ArrayBuffer>
  area: number
}

/** A rectangle of pixels, right and bottom exclusive. */
export type Window = { left: number; top: number; right: number; bottom: number }

/** Right, down, left, up. */
type Direction = 0 | 1 | 2 | 3
const STEP_X = [1, 0, -1, 0] as const
const STEP_Y = [0, 1, 0, -1] as const
const AHEAD_RIGHT_X = [0, 1, 1, 0] as const
const AHEAD_RIGHT_Y = [0, 0, 1, 1] as const
const AHEAD_LEFT_X = [0, 0, 1, 1] as const
const AHEAD_LEFT_Y = [1, 0, 0, 1] as const

/**
 * All outlines of the pixels that have `value`, outer ones and holes, within `window`, which must hold the whole shape.
 * With connectivity 4, pixels that touch at corners only get outlines of their own.
 */
export function traceContours(
  image: Uint8Array | Int32Array,
  { width, height }: Size,
  value: number,
  connectivity: 4 | 8,
  window: Window = { left: 0, top: 0, right: width, bottom: height },
): Contour[] {
  const { left, top, right, bottom } = window
  const columns = right - left
  const inside = (x: number, y: number) =>
    x >= left && x < right && y >= top && y < bottom && image[y * width + x] === value
  // Every outline has an edge that runs to the right, with the shape below: those are where outlines are found, once each.
  const followed = new Uint8Array(columns * (bottom - top))
  const contours: Contour[] = []
  for (let y = top; y < bottom; y++) {
    const row = y * width
    for (let x = left; x < right; x++) {
      if (image[row + x] !== value || (y > top && image[row - width + x] === value)) continue
      if (followed[(y - top) * columns + x - left] === 0) contours.push(follow(x, y))
    }
  }
  return contours

  function follow(startX: number, startY: number): Contour {
    const points: number[] = []
    let x = startX
    let y = startY
    let direction: Direction = 0
    let doubled = 0
    do {
      if (direction === 0) followed[(y - top) * columns + x - left] = 1
      const fromX = x
      const fromY = y
      x += STEP_X[direction]
      y += STEP_Y[direction]
      doubled += fromX * y - x * fromY
      const turn = turnAt(x, y, direction)
      if (turn !== 0) {
        points.push(x, y)
        direction = ((direction + turn + 4) % 4) as Direction
      }
    } while (x !== startX || y !== startY || direction !== 0)
    return { points: Int32Array.from(points), area: doubled / 2 }
  }

  /** 1 to the right, -1 to the left, 0 straight on. */
  function turnAt(x: number, y: number, direction: Direction): -1 | 0 | 1 {
    // The two pixels ahead of a corner (x, y), at the right and at the left hand.
    const aheadRight = inside(x - AHEAD_RIGHT_X[direction], y - AHEAD_RIGHT_Y[direction])
    const aheadLeft = inside(x - AHEAD_LEFT_X[direction], y - AHEAD_LEFT_Y[direction])
    if (connectivity === 8) return aheadLeft ? -1 : aheadRight ? 0 : 1
    return !aheadRight ? 1 : aheadLeft ? -1 : 0
  }
}

/** The length of a closed polygon's outline. */
export function perimeter(points: ArrayLike<number>): number {
  let length = 0
  const end = points.length
  for (let at = 0; at < end; at += 2) {
    const next = (at + 2) % end
    length += Math.hypot((points[next] ?? 0) - (points[at] ?? 0), (points[next + 1] ?? 0) - (points[at + 1] ?? 0))
  }
  return length
}

/** The area of a closed polygon: positive where it runs clockwise on the screen. */
export function signedArea(points: ArrayLike<number>): number {
  let doubled = 0
  const end = points.length
  for (let at = 0; at < end; at += 2) {
    const next = (at + 2) % end
    doubled += (points[at] ?? 0) * (points[next + 1] ?? 0) - (points[next] ?? 0) * (points[at + 1] ?? 0)
  }
  return doubled / 2
}
