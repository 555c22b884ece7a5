import { type Gaussians, SH_C0 } from '../../formats/geometry.ts'
import { floats } from './sheet.ts'

/** Almost opaque: the logit of 1 is infinite. */
const OPACITY = Math.log(0.99 / 0.01)
/** A splat's standard deviation over the distance to its neighbour: they overlap without blurring. */
const BREADTH = 0.6
/** A surface has no thickness, but a gaussian must have some. */
const FLATNESS = 0.1

/** Oriented points of a surface, with the distance to their neighbours. */
type Surfels = { positions: Float32Array; normals: Float32Array; colours: Uint8Array; spacing: Float32Array }

/** A flat gaussian on every point of a surface, its shortest axis along the normal. */
export function splats({ positions, normals, colours, spacing }: Surfels): Gaussians {
  const count = spacing.length
  const out = {
    positions,
    colours: floats(count * 3),
    opacities: floats(count).fill(OPACITY),
    scales: floats(count * 3),
    rotations: floats(count * 4),
  }
  for (let i = 0; i < count; i++) {
    const scale = Math.log((spacing[i] ?? 0) * BREADTH)
    out.scales.set([scale, scale, scale + Math.log(FLATNESS)], i * 3)
    out.rotations.set(turnOfZ(normals[i * 3] ?? 0, normals[i * 3 + 1] ?? 0, normals[i * 3 + 2] ?? 0), i * 4)
    for (let c = 0; c < 3; c++) out.colours[i * 3 + c] = ((colours[i * 3 + c] ?? 0) / 255 - 0.5) / SH_C0
  }
  return out
}

/** The shortest rotation of the z axis onto a unit vector: a unit quaternion (w, x, y, z). */
export function turnOfZ(x: number, y: number, z: number): [number, number, number, number] {
  const w = 1 + z
  // Onto -z every half turn is as short as another: that around x.
  if (w < 1e-6) return [0, 1, 0, 0]
  const length = Math.hypot(w, x, y)
  return [w / length, -y / length, x / length, 0]
}

/** The most opaque of the gaussians, in their order; NaN and infinite ones are dropped. */
export function strongest(gaussians: Gaussians, count: number): Gaussians {
  const { positions, colours, opacities, scales, rotations } = gaussians
  const finite = (values: Float32Array, at: number, width: number) =>
    values.subarray(at * width, (at + 1) * width).every(Number.isFinite)
  let kept = Array.from(opacities.keys()).filter(
    (i) =>
      finite(positions, i, 3) &&
      finite(colours, i, 3) &&
      finite(opacities, i, 1) &&
      finite(scales, i, 3) &&
      finite(rotations, i, 4),
  )
  if (kept.length > count) {
    kept = kept.sort((a, b) => (opacities[b] ?? 0) - (opacities[a] ?? 0) || a - b).slice(0, count)
    kept.sort((a, b) => a - b)
  }
  const pick = (values: Float32Array, width: number) => {
    const out = floats(kept.length * width)
    for (const [to, from] of kept.entries()) out.set(values.subarray(from * width, (from + 1) * width), to * width)
    return out
  }
  return {
    positions: pick(positions, 3),
    colours: pick(colours, 3),
    opacities: pick(opacities, 1),
    scales: pick(scales, 3),
    rotations: pick(rotations, 4),
  }
}

/** The points that gaussians lie on, each with the direction of its shortest axis and its colour. */
export function pointsOf({ positions, colours, scales, rotations }: Gaussians): {
  positions: Float32Array
  normals: Float32Array
  colours: Uint8Array
} {
  const count = positions.length / 3
  const out = { positions, normals: floats(count * 3), colours: new Uint8Array(new SharedArrayBuffer(count * 3)) }
  for (let i = 0; i < count; i++) {
    const s = scales.subarray(i * 3, i * 3 + 3)
    const shortest = s.indexOf(Math.min(...s))
    out.normals.set(axisOf(rotations.subarray(i * 4, i * 4 + 4), Math.max(0, shortest)), i * 3)
    for (let c = 0; c < 3; c++) {
      // Uint8Array wraps around; colours of models may lie outside.
      out.colours[i * 3 + c] = Math.round(Math.min(1, Math.max(0, 0.5 + SH_C0 * (colours[i * 3 + c] ?? 0))) * 255)
    }
  }
  return out
}

/** A column of the rotation matrix of a quaternion (w, x, y, z) of any length, turned towards the camera. */
function axisOf(quaternion: Float32Array, axis: number): [number, number, number] {
  const length = Math.hypot(...quaternion) || 1
  const [w, x, y, z] = Array.from(quaternion, (part) => part / length) as [number, number, number, number]
  const column: [number, number, number] =
    axis === 0
      ? [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)]
      : axis === 1
        ? [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)]
        : [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)]
  return column[2] > 0 ? [-column[0], -column[1], -column[2]] : column
}
