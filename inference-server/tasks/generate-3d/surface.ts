import type { Mesh } from '../../formats/geometry.ts'
import { bytes, floats } from './sheet.ts'

/** A surface: a mesh whose points also know the distance to their neighbours. */
export type Surface = Mesh & { spacing: Float32Array }

/** A surface seen at a flatter angle is drawn with gaps between its splats rather than with splats far too large. */
const FLATTEST = 0.35

/**
 * The distance between neighbours on a surface: `step` is that of the grid at distance 1, and the flatter the camera looks
 * onto the surface, the farther its points lie apart.
 */
export function spacingOf(positions: Float32Array, normals: Float32Array, step: number): Float32Array {
  const spacing = floats(positions.length / 3)
  for (let i = 0; i < spacing.length; i++) {
    const [x = 0, y = 0, z = 0] = positions.subarray(i * 3, i * 3 + 3)
    const [nx = 0, ny = 0, nz = 0] = normals.subarray(i * 3, i * 3 + 3)
    const facing = Math.abs(x * nx + y * ny + z * nz) / (Math.hypot(x, y, z) || 1)
    spacing[i] = (z * step) / Math.max(FLATTEST, facing)
  }
  return spacing
}

/**
 * The surface without the points that no triangle has: those in the gap between near and far, where a depth map passes from
 * one to the other, belong to neither. A surface without any triangle keeps its points.
 */
export function withoutStrays(surface: Surface): Surface {
  const { positions, triangles } = surface
  const count = positions.length / 3
  const renumbered = new Int32Array(count).fill(-1)
  for (const point of triangles) renumbered[point] = 0
  let kept = 0
  for (let point = 0; point < count; point++) if (renumbered[point] === 0) renumbered[point] = kept++
  if (kept === 0 || kept === count) return surface
  const out: Surface = {
    positions: floats(kept * 3),
    normals: floats(kept * 3),
    colours: bytes(kept * 3),
    spacing: floats(kept),
    triangles: new Uint32Array(new SharedArrayBuffer(triangles.byteLength)),
  }
  for (const [at, point] of triangles.entries()) out.triangles[at] = renumbered[point] ?? 0
  for (const [from, to] of renumbered.entries()) {
    if (to < 0) continue
    for (const name of ['positions', 'normals', 'colours'] as const) {
      for (let axis = 0; axis < 3; axis++) out[name][to * 3 + axis] = surface[name][from * 3 + axis] ?? 0
    }
    out.spacing[to] = surface.spacing[from] ?? 0
  }
  return out
}
