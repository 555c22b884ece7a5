import type { Size } from '../../images/decode.ts'

/**
 * A surface seen from the camera: one point for each node of a regular grid over the picture, where there is one.
 * Coordinates are the camera's: x right, y down, z forward.
 */
export type Sheet = Size & {
  /** Per node, row by row, the number of its point; -1 where there is none. */
  index: Int32Array
  /** x, y, z of each point. */
  positions: Float32Array
}

/** A surface steeper than this (its depth over its breadth; 3.6° to the line of sight) is the gap between near and far, not a surface. */
const STEEPEST = 16

/** Numbers the nodes that are inside; positions are still to be filled in. */
export function sheet(inside: Uint8Array, { width, height }: Size): Sheet {
  const index = new Int32Array(inside.length)
  let count = 0
  for (let node = 0; node < inside.length; node++) index[node] = inside[node] ? count++ : -1
  return { width, height, index, positions: floats(count * 3) }
}

/**
 * The sheet's normals, towards the camera: the cross product of the differences to the neighbours in the grid. Differences
 * over a gap in depth do not count; a lone point faces the camera.
 */
export function normalsOf(sheet: Sheet): Float32Array {
  const { width, height, index, positions } = sheet
  const normals = floats(positions.length)
  const across = new Float64Array(3)
  const down = new Float64Array(3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const point = index[y * width + x] ?? -1
      if (point < 0) continue
      difference(sheet, point, x > 0 ? at(sheet, x - 1, y) : -1, x + 1 < width ? at(sheet, x + 1, y) : -1, across)
      difference(sheet, point, y > 0 ? at(sheet, x, y - 1) : -1, y + 1 < height ? at(sheet, x, y + 1) : -1, down)
      const [ax = 0, ay = 0, az = 0] = across
      const [dx = 0, dy = 0, dz = 0] = down
      // down × across points to the camera, as x grows to the right and y downwards.
      const n = [dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax] as const
      const length = Math.hypot(...n)
      for (let axis = 0; axis < 3; axis++) {
        normals[point * 3 + axis] = length > 0 ? (n[axis] ?? 0) / length : axis === 2 ? -1 : 0
      }
    }
  }
  return normals
}

/** Two triangles for each square of four points, one for three; counter-clockwise from the camera; none over a gap in depth. */
export function trianglesOf(sheet: Sheet): Uint32Array {
  const { width, height } = sheet
  const found = new Uint32Array(Math.max(0, (width - 1) * (height - 1)) * 6)
  let count = 0
  const add = (a: number, b: number, c: number) => {
    if (a < 0 || b < 0 || c < 0 || gap(sheet, a, b) || gap(sheet, b, c) || gap(sheet, c, a)) return
    found[count++] = a
    found[count++] = b
    found[count++] = c
  }
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const [a, b] = [at(sheet, x, y), at(sheet, x + 1, y)]
      const [c, d] = [at(sheet, x, y + 1), at(sheet, x + 1, y + 1)]
      // The diagonal joins the two that exist; with all four it joins the two that are nearer in depth.
      const alongAD = b < 0 || c < 0 || (a >= 0 && d >= 0 && depthStep(sheet, a, d) <= depthStep(sheet, b, c))
      if (alongAD) {
        add(a, c, d)
        add(a, d, b)
      } else {
        add(a, c, b)
        add(b, c, d)
      }
    }
  }
  const triangles = new Uint32Array(new SharedArrayBuffer(count * 4))
  triangles.set(found.subarray(0, count))
  return triangles
}

/** Floats that CPU threads and the event loop share without a copy. */
export function floats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * 4))
}

/** Bytes that CPU threads and the event loop share without a copy. */
export function bytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length))
}

function at({ index, width }: Sheet, x: number, y: number): number {
  return index[y * width + x] ?? -1
}

function depthStep({ positions }: Sheet, a: number, b: number): number {
  return Math.abs((positions[a * 3 + 2] ?? 0) - (positions[b * 3 + 2] ?? 0))
}

/** Breadth is what the camera sees between the two, at the distance of the nearer. */
function gap(sheet: Sheet, a: number, b: number): boolean {
  const { positions } = sheet
  const [nearA, nearB] = [positions[a * 3 + 2] ?? 0, positions[b * 3 + 2] ?? 0]
  const breadth = Math.hypot(
    (positions[a * 3] ?? 0) / nearA - (positions[b * 3] ?? 0) / nearB,
    (positions[a * 3 + 1] ?? 0) / nearA - (positions[b * 3 + 1] ?? 0) / nearB,
  )
  return depthStep(sheet, a, b) > STEEPEST * breadth * Math.min(nearA, nearB)
}

/** From the one neighbour (or the point itself) to the other (or the point itself). */
function difference(sheet: Sheet, point: number, before: number, after: number, out: Float64Array): void {
  const from = before >= 0 && !gap(sheet, before, point) ? before : point
  const to = after >= 0 && !gap(sheet, point, after) ? after : point
  for (let axis = 0; axis < 3; axis++) {
    out[axis] = (sheet.positions[to * 3 + axis] ?? 0) - (sheet.positions[from * 3 + axis] ?? 0)
  }
}
