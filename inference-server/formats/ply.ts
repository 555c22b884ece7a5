import type { Gaussians, Mesh, Points } from './geometry.ts'

/**
 * Binary little-endian PLY, byte for byte as the Python package plyfile writes it, which is what `save_ply` of 3D Gaussian
 * Splatting and of the models derived from it calls. Machines that this server runs on are little-endian.
 */

/** The 17 float columns of a vertex without view-dependent colour (`f_rest_*`), in the order of `save_ply`. */
const GAUSSIAN_COLUMNS = [
  ...['x', 'y', 'z', 'nx', 'ny', 'nz'],
  ...['f_dc_0', 'f_dc_1', 'f_dc_2', 'opacity'],
  ...['scale_0', 'scale_1', 'scale_2', 'rot_0', 'rot_1', 'rot_2', 'rot_3'],
] as const

const WIDTH = GAUSSIAN_COLUMNS.length
const POINT_PROPERTIES = [
  ...['x', 'y', 'z', 'nx', 'ny', 'nz'].map((name) => `property float ${name}`),
  ...['red', 'green', 'blue'].map((name) => `property uchar ${name}`),
]
const POINT_BYTES = 6 * 4 + 3
const FACE_BYTES = 1 + 3 * 4

/** Gaussians as a PLY file of 68 bytes each after the header. The normals are zero, as in the files of the reference. */
export function gaussianPly(gaussians: Gaussians): Uint8Array<ArrayBuffer> {
  const { positions, colours, opacities, scales, rotations } = gaussians
  const count = opacities.length
  const rows = new Float32Array(count * WIDTH)
  for (let i = 0, at = 0; i < count; i++, at += WIDTH) {
    for (let axis = 0; axis < 3; axis++) {
      rows[at + axis] = positions[i * 3 + axis] ?? 0
      rows[at + 6 + axis] = colours[i * 3 + axis] ?? 0
      rows[at + 10 + axis] = scales[i * 3 + axis] ?? 0
    }
    rows[at + 9] = opacities[i] ?? 0
    for (let part = 0; part < 4; part++) rows[at + 13 + part] = rotations[i * 4 + part] ?? 0
  }
  const header = plyHeader([`element vertex ${count}`, ...GAUSSIAN_COLUMNS.map((name) => `property float ${name}`)])
  const file = new Uint8Array(header.length + rows.byteLength)
  file.set(header)
  file.set(new Uint8Array(rows.buffer), header.length)
  return file
}

/** Coloured points with normals, 27 bytes each after the header. */
export function pointPly(points: Points): Uint8Array<ArrayBuffer> {
  const count = points.positions.length / 3
  const header = plyHeader([`element vertex ${count}`, ...POINT_PROPERTIES])
  const file = new Uint8Array(header.length + count * POINT_BYTES)
  file.set(header)
  writePoints(points, new DataView(file.buffer, header.length))
  return file
}

/** A coloured triangle mesh: the rows of `pointPly`, then one list of three indices for each face. */
export function meshPly(mesh: Mesh): Uint8Array<ArrayBuffer> {
  const { triangles } = mesh
  const vertices = mesh.positions.length / 3
  const faces = triangles.length / 3
  const header = plyHeader([
    ...[`element vertex ${vertices}`, ...POINT_PROPERTIES],
    ...[`element face ${faces}`, 'property list uchar int vertex_indices'],
  ])
  const file = new Uint8Array(header.length + vertices * POINT_BYTES + faces * FACE_BYTES)
  file.set(header)
  writePoints(mesh, new DataView(file.buffer, header.length, vertices * POINT_BYTES))
  const view = new DataView(file.buffer, header.length + vertices * POINT_BYTES)
  for (let face = 0, at = 0; face < faces; face++, at += FACE_BYTES) {
    view.setUint8(at, 3)
    for (let corner = 0; corner < 3; corner++) {
      view.setInt32(at + 1 + corner * 4, triangles[face * 3 + corner] ?? 0, true)
    }
  }
  return file
}

function writePoints({ positions, normals, colours }: Points, view: DataView): void {
  for (let i = 0, at = 0; i < positions.length; i += 3, at += POINT_BYTES) {
    for (let axis = 0; axis < 3; axis++) {
      view.setFloat32(at + axis * 4, positions[i + axis] ?? 0, true)
      view.setFloat32(at + 12 + axis * 4, normals[i + axis] ?? 0, true)
      view.setUint8(at + 24 + axis, colours[i + axis] ?? 0)
    }
  }
}

function plyHeader(elements: readonly string[]): Uint8Array {
  return new TextEncoder().encode(['ply', 'format binary_little_endian 1.0', ...elements, 'end_header', ''].join('\n'))
}
