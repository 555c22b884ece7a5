import { createRequire } from 'node:module'
import type { Size } from '../../inference-server/images/decode.ts'
import type { Shape } from '../../test/inference-server/fixtures/plan-score.ts'

/** What is used of OpenCV's JavaScript build. Its matrices lie outside the garbage collector's reach. */
type Mat = {
  rows: number
  cols: number
  data: Uint8Array
  data32S: Int32Array
  data32F: Float32Array
  delete(): void
  setTo(value: unknown): void
  convertTo(to: Mat, type: number): void
}
type Vector = { size(): number; get(at: number): Mat; delete(): void }
export type OpenCv = {
  Mat: new (rows?: number, cols?: number, type?: number) => Mat
  MatVector: new () => Vector
  Size: new (width: number, height: number) => unknown
  matFromArray(rows: number, cols: number, type: number, data: ArrayLike<number>): Mat
  threshold(from: Mat, to: Mat, at: number, value: number, type: number): number
  morphologyEx(from: Mat, to: Mat, operation: number, kernel: Mat): void
  getStructuringElement(shape: number, size: unknown): Mat
  bitwise_not(from: Mat, to: Mat): void
  connectedComponents(from: Mat, labels: Mat, connectivity: number): number
  connectedComponentsWithStats(from: Mat, labels: Mat, stats: Mat, centroids: Mat, connectivity: number): number
  distanceTransform(from: Mat, to: Mat, type: number, mask: number): void
  watershed(image: Mat, markers: Mat): void
  cvtColor(from: Mat, to: Mat, code: number): void
  findContours(from: Mat, contours: Vector, hierarchy: Mat, mode: number, method: number): void
  approxPolyDP(from: Mat, to: Mat, epsilon: number, closed: boolean): void
  arcLength(curve: Mat, closed: boolean): number
} & Record<
  | 'CV_8UC1'
  | 'CV_32S'
  | 'THRESH_BINARY'
  | 'THRESH_BINARY_INV'
  | 'THRESH_OTSU'
  | 'MORPH_CLOSE'
  | 'MORPH_RECT'
  | 'DIST_L2'
  | 'COLOR_GRAY2BGR'
  | 'RETR_CCOMP'
  | 'CHAIN_APPROX_NONE',
  number
>

/**
 * Loads @techstark/opencv-js, which is not a dependency of this project. In an object, since the module is a thenable that gives itself:
 * whoever awaits it waits for ever.
 */
export async function loadOpenCv(from: string): Promise<{ cv: OpenCv }> {
  const cv: OpenCv & { onRuntimeInitialized?: () => void } = createRequire(import.meta.url)(from)
  if (typeof cv.Mat !== 'function') {
    await new Promise<void>((resolve) => {
      cv.onRuntimeInitialized = resolve
    })
  }
  return { cv }
}

export type PlanReader = (grey: Uint8Array, size: Size) => Shape[]
type Knowledge = { doorway: number; minArea: number; epsilonFactor: number }

/** Frees what a piece of work makes of OpenCV's. */
function using<Result>(work: (keep: <T extends { delete(): void }>(made: T) => T) => Result): Result {
  const made: { delete(): void }[] = []
  try {
    return work((each) => {
      made.push(each)
      return each
    })
  } finally {
    for (const each of made) each.delete()
  }
}

/** 255 where something large enough is drawn: Otsu, and no small marks. */
function walls(
  cv: OpenCv,
  grey: Uint8Array,
  { width, height }: Size,
  keep: <T extends { delete(): void }>(made: T) => T,
): Mat {
  const page = keep(new cv.Mat(height, width, cv.CV_8UC1))
  page.data.set(grey)
  const ink = keep(new cv.Mat())
  cv.threshold(page, ink, 0, 255, cv.THRESH_BINARY_INV + cv.THRESH_OTSU)
  const [labels, stats, centroids] = [keep(new cv.Mat()), keep(new cv.Mat()), keep(new cv.Mat())]
  const count = cv.connectedComponentsWithStats(ink, labels, stats, centroids, 8)
  const side = 0.1 * Math.max(width, height)
  const large = new Uint8Array(count)
  for (let at = 1; at < count; at++) {
    large[at] = Math.max(stats.data32S[5 * at + 2] ?? 0, stats.data32S[5 * at + 3] ?? 0) >= side ? 1 : 0
  }
  const [pixels, numbers] = [ink.data, labels.data32S]
  for (let at = 0; at < pixels.length; at++) if (!large[numbers[at] ?? 0]) pixels[at] = 0
  return ink
}

/** Polygons of a mask's components that do not touch the border. */
function shapesOf(
  cv: OpenCv,
  mask: Mat,
  { width, height }: Size,
  { minArea, epsilonFactor }: Knowledge,
  keep: <T extends { delete(): void }>(made: T) => T,
): Shape[] {
  const contours = keep(new cv.MatVector())
  const hierarchy = keep(new cv.Mat())
  cv.findContours(mask, contours, hierarchy, cv.RETR_CCOMP, cv.CHAIN_APPROX_NONE)
  const rings = Array.from({ length: contours.size() }, (_, at) => {
    const contour = keep(contours.get(at))
    const simple = keep(new cv.Mat())
    cv.approxPolyDP(contour, simple, epsilonFactor * cv.arcLength(contour, true), true)
    const { data32S } = simple
    return Array.from({ length: data32S.length / 2 }, (_, corner): [number, number] => [
      (data32S[2 * corner] ?? 0) + 0.5,
      (data32S[2 * corner + 1] ?? 0) + 0.5,
    ])
  })
  const area = (ring: readonly (readonly [number, number])[]) =>
    Math.abs(
      ring.reduce((sum, [x, y], at) => {
        const [nextX, nextY] = ring[(at + 1) % ring.length] ?? [x, y]
        return sum + (x * nextY - nextX * y) / 2
      }, 0),
    )
  return rings.flatMap((polygon, at) => {
    const parent = hierarchy.data32S[4 * at + 3] ?? -1
    if (parent >= 0 || area(polygon) < minArea) return []
    if (polygon.some(([x, y]) => x < 2 || y < 2 || x > width - 2 || y > height - 2)) return []
    const holes = rings.filter((ring, other) => hierarchy.data32S[4 * other + 3] === at && area(ring) > 0.02 * minArea)
    return [{ polygon, holes }]
  })
}

/** What most public detectors do: a morphological closing as wide as a doorway, then the components of what is left. */
export function closing(cv: OpenCv, knowledge: Knowledge): PlanReader {
  return (grey, size) =>
    using((keep) => {
      const ink = walls(cv, grey, size, keep)
      const side = Math.ceil(knowledge.doorway) + 2
      const kernel = keep(cv.getStructuringElement(cv.MORPH_RECT, new cv.Size(side, side)))
      const closed = keep(new cv.Mat())
      cv.morphologyEx(ink, closed, cv.MORPH_CLOSE, kernel)
      cv.bitwise_not(closed, closed)
      return shapesOf(cv, closed, size, knowledge, keep)
    })
}

/** Seeds farther from walls than half a doorway, grown back by a watershed: keeps corners, loses what is narrower than a door. */
export function watershed(cv: OpenCv, knowledge: Knowledge): PlanReader {
  return (grey, size) =>
    using((keep) => {
      const ink = walls(cv, grey, size, keep)
      const free = keep(new cv.Mat())
      cv.bitwise_not(ink, free)
      const distances = keep(new cv.Mat())
      cv.distanceTransform(free, distances, cv.DIST_L2, 5)
      const seeds = keep(new cv.Mat())
      cv.threshold(distances, seeds, knowledge.doorway / 2 + 1, 255, cv.THRESH_BINARY)
      seeds.convertTo(seeds, cv.CV_8UC1)
      const markers = keep(new cv.Mat())
      const count = cv.connectedComponents(seeds, markers, 8)
      const [numbers, inked] = [markers.data32S, ink.data]
      // Walls are a basin of their own.
      for (let at = 0; at < numbers.length; at++) if (inked[at]) numbers[at] = count
      const colour = keep(new cv.Mat())
      cv.cvtColor(ink, colour, cv.COLOR_GRAY2BGR)
      cv.watershed(colour, markers)
      // The watershed leaves a line between the rooms: one mask holds them all.
      const rooms = keep(new cv.Mat(size.height, size.width, cv.CV_8UC1))
      const grown = markers.data32S
      for (let at = 0; at < grown.length; at++) {
        const number = grown[at] ?? 0
        rooms.data[at] = number > 0 && number < count ? 255 : 0
      }
      return shapesOf(cv, rooms, size, knowledge, keep)
    })
}
