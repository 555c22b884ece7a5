import type { Size } from '../../images/decode.ts'
import { type Sheet, sheet } from './sheet.ts'

/** What a depth model's numbers mean. */
export type DepthKind =
  /** Larger is nearer, up to an unknown scale and shift: Depth Anything, MiDaS and DPT. */
  | 'inverse'
  /** Distance along the camera's axis in metres. */
  | 'metric'

/**
 * Distances along the camera's axis. Inverse depth leaves scale and shift open: the nearest value found is put at 1 and the
 * farthest at `ratio`; in between, the inverse of the distance is linear in the value, which is what the models learn.
 * Values that are no numbers, and metric distances that are not positive, become NaN.
 */
export function distances(depth: Float32Array, kind: DepthKind, ratio: number): Float32Array {
  if (kind === 'metric') return depth.map((value) => (value > 0 && value < Infinity ? value : Number.NaN))
  let [low, high] = [Infinity, -Infinity]
  for (const value of depth) {
    if (!Number.isFinite(value)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  const range = high - low
  const far = 1 / ratio
  return depth.map((value) => {
    if (!Number.isFinite(value)) return Number.NaN
    // One value everywhere says nothing of depth: a plane at the nearest distance.
    return 1 / (range > 0 ? far + ((value - low) / range) * (1 - far) : 1)
  })
}

/** Distance between the camera and the plane in which the picture's longest side has length 1. */
export function focalLength(fovDegrees: number): number {
  return 0.5 / Math.tan((fovDegrees * Math.PI) / 360)
}

/**
 * The points that a pinhole camera sees at the nodes of a grid over the whole picture. The field of view is that of the
 * picture's longest side, the optical axis goes through its middle, pixels are square in the picture of size `original`.
 * Nodes without a distance are left out.
 */
export function unproject(
  distance: Float32Array,
  inside: Uint8Array,
  { grid, original, fovDegrees }: { grid: Size; original: Size; fovDegrees: number },
): Sheet {
  const seen = inside.map((value, node) => (value && Number.isFinite(distance[node]) ? 1 : 0))
  const surface = sheet(seen, grid)
  const focal = focalLength(fovDegrees)
  const longest = Math.max(original.width, original.height)
  const [spanX, spanY] = [original.width / longest, original.height / longest]
  for (let y = 0; y < grid.height; y++) {
    const v = (((y + 0.5) / grid.height - 0.5) * spanY) / focal
    for (let x = 0; x < grid.width; x++) {
      const node = y * grid.width + x
      const point = surface.index[node] ?? -1
      if (point < 0) continue
      const z = distance[node] ?? 0
      surface.positions[point * 3] = (((x + 0.5) / grid.width - 0.5) * spanX * z) / focal
      surface.positions[point * 3 + 1] = v * z
      surface.positions[point * 3 + 2] = z
    }
  }
  return surface
}
