import type { Size } from '../../images/decode.ts'
import { solvePoisson } from './poisson.ts'
import { floats } from './sheet.ts'

/**
 * Half the thickness of a body with the mask's outline, in pixels: the root of the solution of Poisson's equation
 * -Δu = 4 with u = 0 outside, which makes a disc a ball (u = r² - x² - y²) and everything else as round as its outline lets it
 * be. After Repoussé (Joshi and Carr, 2008), which inflates drawings in this way.
 */
export function inflated(inside: Uint8Array, size: Size): Float32Array {
  return solvePoisson(inside, new Float32Array(inside.length).fill(4), size).map((u) => Math.sqrt(Math.max(0, u)))
}

/** A closed body: the inflated mask's front, and its mirror image behind the picture's plane. */
export type Body = {
  positions: Float32Array
  normals: Float32Array
  triangles: Uint32Array
  /** For each point the node of the grid that it comes from. */
  nodes: Int32Array
}

/**
 * The body over the nodes inside, closed along a rim of nodes around them that lie in the picture's plane. One step of the grid
 * has length `step`, the grid's middle is the origin. The grid's outermost nodes must be outside, or the body stays open there.
 */
export function body(inside: Uint8Array, grid: Size, step: number): Body {
  const { width, height } = grid
  const half = inflated(inside, grid)
  const front = new Int32Array(inside.length).fill(-1)
  const back = new Int32Array(inside.length).fill(-1)
  const nodes: number[] = []
  for (let node = 0; node < inside.length; node++) {
    if (inside[node]) front[node] = nodes.push(node) - 1
  }
  const rim = rimOf(inside, grid)
  for (const node of rim) {
    front[node] = nodes.push(node) - 1
    back[node] = front[node] ?? -1
  }
  const shared = nodes.length
  for (let node = 0; node < inside.length; node++) {
    if (inside[node]) back[node] = nodes.push(node) - 1
  }
  const positions = floats(nodes.length * 3)
  for (const [point, node] of nodes.entries()) {
    positions[point * 3] = ((node % width) + 0.5 - width / 2) * step
    positions[point * 3 + 1] = (Math.floor(node / width) + 0.5 - height / 2) * step
    positions[point * 3 + 2] = (point < shared ? -1 : 1) * (half[node] ?? 0) * step
  }
  const triangles = closed(inside, grid, front, back)
  return { positions, normals: vertexNormals(positions, triangles), triangles, nodes: Int32Array.from(nodes) }
}

/** The steps to the nodes that share a triangle with a node: the squares' diagonals run from top right to bottom left. */
const NEIGHBOURS = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
  [1, -1],
  [-1, 1],
] as const

/** Outside nodes that share a triangle with an inside one. */
export function rimOf(inside: Uint8Array, { width, height }: Size): number[] {
  const rim: number[] = []
  const isInside = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && inside[y * width + x] === 1
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (isInside(x, y)) continue
      if (NEIGHBOURS.some(([dx, dy]) => isInside(x + dx, y + dy))) rim.push(y * width + x)
    }
  }
  return rim
}

/** Both sides of every square of the grid that has an inside corner. */
function closed(inside: Uint8Array, { width, height }: Size, front: Int32Array, back: Int32Array): Uint32Array {
  const found: number[] = []
  const add = (side: Int32Array, a: number, b: number, c: number) =>
    found.push(side[a] ?? 0, side[b] ?? 0, side[c] ?? 0)
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const a = y * width + x
      const [b, c, d] = [a + 1, a + width, a + width + 1]
      // A triangle whose corners all lie on the rim would be there twice, front upon back.
      for (const [p, q, r] of [
        [a, c, b],
        [b, c, d],
      ] as const) {
        if (!inside[p] && !inside[q] && !inside[r]) continue
        add(front, p, q, r)
        add(back, p, r, q)
      }
    }
  }
  const triangles = new Uint32Array(new SharedArrayBuffer(found.length * 4))
  triangles.set(found)
  return triangles
}

/** Normals of the faces around each point, weighted by their areas. */
function vertexNormals(positions: Float32Array, triangles: Uint32Array): Float32Array {
  const normals = floats(positions.length)
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [(triangles[t] ?? 0) * 3, (triangles[t + 1] ?? 0) * 3, (triangles[t + 2] ?? 0) * 3]
    const edge = (to: number, axis: number) => (positions[to + axis] ?? 0) - (positions[a + axis] ?? 0)
    const [ux, uy, uz] = [edge(b, 0), edge(b, 1), edge(b, 2)]
    const [vx, vy, vz] = [edge(c, 0), edge(c, 1), edge(c, 2)]
    const n = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx]
    for (const corner of [a, b, c]) {
      for (let axis = 0; axis < 3; axis++) normals[corner + axis] = (normals[corner + axis] ?? 0) + (n[axis] ?? 0)
    }
  }
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.hypot(normals[i] ?? 0, normals[i + 1] ?? 0, normals[i + 2] ?? 0) || 1
    for (let axis = 0; axis < 3; axis++) normals[i + axis] = (normals[i + axis] ?? 0) / length
  }
  return normals
}
