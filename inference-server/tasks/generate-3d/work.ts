import { Failure } from '../../core/errors.ts'
import type { Gaussians } from '../../formats/geometry.ts'
import { glb } from '../../formats/glb.ts'
import { gaussianPly, meshPly, pointPly } from '../../formats/ply.ts'
import type { RgbImage, Size } from '../../images/decode.ts'
import { resizeBilinear } from '../../images/mask.ts'
import type { Seen } from '../image-input.ts'
import { type DepthKind, distances, focalLength, unproject } from './depth.ts'
import { boxOf, gridFor, type Mask, resampled } from './grid.ts'
import { body, rimOf } from './inflation.ts'
import { bytes, floats, normalsOf, trianglesOf } from './sheet.ts'
import { pointsOf, splats, strongest } from './splats.ts'
import { type Surface, spacingOf, withoutStrays } from './surface.ts'

/** What CPU threads do for `generate_3d`: pure functions of plain data; large arrays are shared, not copied. */

export type Representation = 'gaussians' | 'points' | 'mesh'

/** No grid has more nodes, whatever share of them lies inside the mask. */
const MAX_NODES = 4_000_000
/** Inflating a node takes about a microsecond. */
const MAX_INFLATED_NODES = 1_000_000

/** Which pixels of a decoded mask are inside: those lighter than the middle. Undefined when none is. */
export function readMask({ width, height, data }: RgbImage): Mask | undefined {
  const inside = bytes(width * height)
  let area = 0
  for (let i = 0; i < inside.length; i++) {
    if ((data[i * 3] ?? 0) <= 127) continue
    inside[i] = 1
    area++
  }
  return area > 0 ? { width, height, inside, area } : undefined
}

/** The grid over the whole picture for at most so many points inside the mask. */
export function planGrid(picture: Size, mask: Mask | undefined, points: number): Size {
  return gridFor(picture, mask, points, MAX_NODES)
}

/** The surface that a depth map shows, with the colours of the picture at the grid's resolution. */
export function surfaceFromDepth(
  picture: RgbImage,
  depth: Size & { data: Float32Array },
  mask: Mask | undefined,
  options: { kind: DepthKind; ratio: number; fovDegrees: number; original: Size },
): Surface {
  const grid = { width: picture.width, height: picture.height }
  const inside = mask ? resampled(mask, grid).inside : new Uint8Array(grid.width * grid.height).fill(1)
  // The values are brought to the grid before they become distances: between two inverse depths lies their mean.
  const distance = distances(resizeBilinear(depth, grid).data, options.kind, options.ratio)
  const sheet = unproject(distance, inside, { grid, original: options.original, fovDegrees: options.fovDegrees })
  const count = sheet.positions.length / 3
  if (count === 0) throw new Failure('ModelFailed', 'The model gave no depth inside the mask that is a finite number.')
  const colours = bytes(count * 3)
  for (const [node, point] of sheet.index.entries()) {
    if (point >= 0) colours.set(picture.data.subarray(node * 3, node * 3 + 3), point * 3)
  }
  const normals = normalsOf(sheet)
  const step = Math.max(1 / grid.width, 1 / grid.height) / focalLength(options.fovDegrees)
  const { positions } = sheet
  return withoutStrays({
    positions,
    normals,
    colours,
    triangles: trianglesOf(sheet),
    spacing: spacingOf(positions, normals, step),
  })
}

/** The grid over the whole picture for a body of at most so many points: both its sides and the rim between them. */
export function planBody(picture: Size, mask: Mask, points: number): Size {
  for (let share = points / 2; ; ) {
    const grid = gridFor(picture, mask, Math.max(1, share), MAX_INFLATED_NODES)
    const { inside, size } = cutOut(mask, grid)
    const count = 2 * inside.reduce((sum, value) => sum + value, 0) + rimOf(inside, size).length
    if (count <= points || share < 1) return grid
    share *= Math.min(0.95, points / count)
  }
}

/** The mask as an inflated, closed body whose longest side is 1, with the picture's colours on both sides. */
export function surfaceFromMask(picture: RgbImage, mask: Mask): Surface {
  const { width, height } = picture
  const { inside, size, left, top } = cutOut(mask, picture)
  // The rim takes a node on each side, which the body's size does not count.
  const step = 1 / Math.max(1, size.width - 2, size.height - 2)
  const { nodes, ...shape } = body(inside, size, step)
  const colours = bytes(nodes.length * 3)
  for (const [point, node] of nodes.entries()) {
    const x = Math.min(Math.max((node % size.width) + left, 0), width - 1)
    const y = Math.min(Math.max(Math.floor(node / size.width) + top, 0), height - 1)
    colours.set(picture.data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), point * 3)
  }
  return { ...shape, colours, spacing: floats(nodes.length).fill(step) }
}

/** The mask's bounding box on a grid, with a node to spare on every side, and where it lies. */
function cutOut(mask: Mask, grid: Size): { inside: Uint8Array; size: Size; left: number; top: number } {
  const whole = resampled(mask, { width: grid.width, height: grid.height })
  const [left, top, right, bottom] = boxOf(whole) ?? [0, 0, 0, 0]
  const size = { width: right - left + 2, height: bottom - top + 2 }
  const inside = new Uint8Array(size.width * size.height)
  for (let y = top; y < bottom; y++) {
    const row = whole.inside.subarray(y * whole.width + left, y * whole.width + right)
    inside.set(row, (y - top + 1) * size.width + 1)
  }
  return { inside, size, left: left - 1, top: top - 1 }
}

/** The part of a mask that a model sees, at the model's resolution: 1 inside. */
export function maskSeen(mask: Mask, { whole, crop }: Seen): Float32Array {
  const at = resampled(mask, whole).inside
  const out = floats(crop.width * crop.height)
  for (let y = 0; y < crop.height; y++) {
    for (let x = 0; x < crop.width; x++) {
      out[y * crop.width + x] = at[(y + crop.top) * whole.width + x + crop.left] ?? 0
    }
  }
  return out
}

/** The picture with white outside the mask, which is how models of single objects see them. */
export function cutPicture(pixels: RgbImage, mask: Mask, seen: Seen): RgbImage {
  for (const [pixel, inside] of maskSeen(mask, seen).entries()) {
    if (!inside) pixels.data.fill(255, pixel * 3, pixel * 3 + 3)
  }
  return pixels
}

/** The finite gaussians of a model, at most so many. @throws Failure ModelFailed when there is none */
export function selectGaussians(gaussians: Gaussians, count: number): Gaussians {
  const kept = strongest(gaussians, count)
  if (kept.opacities.length === 0) throw new Failure('ModelFailed', 'The model gave no gaussian of finite numbers.')
  return kept
}

/** A surface as a PLY file. */
export function surfacePly(surface: Surface, as: Representation): Uint8Array<ArrayBuffer> {
  if (as === 'gaussians') return gaussianPly(splats(surface))
  return as === 'mesh' ? meshPly(surface) : pointPly(surface)
}

/** A surface as a GLB file; one too small for a triangle as points, as glTF knows no empty mesh. */
export function surfaceGlb({ triangles, ...points }: Surface, as: 'points' | 'mesh'): Uint8Array<ArrayBuffer> {
  return glb(as === 'mesh' && triangles.length > 0 ? { ...points, triangles } : points)
}

/** Gaussians as a PLY file of their own kind, or of the points that they lie on. */
export function gaussiansPly(gaussians: Gaussians, as: 'gaussians' | 'points'): Uint8Array<ArrayBuffer> {
  return as === 'gaussians' ? gaussianPly(gaussians) : pointPly(pointsOf(gaussians))
}

/** The points that gaussians lie on as a GLB file. */
export function gaussiansGlb(gaussians: Gaussians): Uint8Array<ArrayBuffer> {
  return glb(pointsOf(gaussians))
}
