/** What the 3D formats write. All arrays are row by row: item i of `positions` lies at 3i … 3i + 2. */

/** Points on surfaces, each with its unit normal and 8-bit sRGB colour. */
export type Points = {
  positions: Float32Array
  normals: Float32Array
  colours: Uint8Array
}

/** Points joined to triangles, counter-clockwise seen from outside. */
export type Mesh = Points & { triangles: Uint32Array }

/**
 * Gaussians as 3D Gaussian Splatting stores them: what its training optimises, not what its renderer shows.
 * Colours are the constant spherical harmonic, opacities logits, scales natural logarithms, rotations quaternions (w, x, y, z)
 * that need not have unit length.
 */
export type Gaussians = {
  positions: Float32Array
  colours: Float32Array
  opacities: Float32Array
  scales: Float32Array
  rotations: Float32Array
}

/** The value of the constant real spherical harmonic, 1 / (2 √π): a colour c of 0-1 is stored as (c - 0.5) / SH_C0. */
export const SH_C0 = 0.28209479177387814
