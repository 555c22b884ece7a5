import type { Size } from '../../images/decode.ts'
import { resizeBilinear } from '../../images/mask.ts'

/** A grid whose longer side is at most this is solved by relaxation alone. */
const COARSEST = 24
/** Relaxation sweeps over the coarsest grid, and before and after each correction on the finer ones. */
const COARSEST_SWEEPS = 200
const SMOOTHING_SWEEPS = 3
/** Every cycle takes a factor of about five off the error. */
const CYCLES = 8

/**
 * Solves 4 u - (sum of the four neighbours) = `right` on the nodes inside, with u = 0 outside: Poisson's equation for a grid
 * of step 1. Multigrid: what relaxation is slow to settle, the long waves, is settled on grids of half the size, so that the
 * time grows with the number of nodes only.
 */
export function solvePoisson(inside: Uint8Array, right: Float32Array, size: Size): Float32Array {
  const u = new Float32Array(inside.length)
  for (let cycle = 0; cycle < CYCLES; cycle++) vCycle(u, inside, right, size)
  return u
}

function vCycle(u: Float32Array, inside: Uint8Array, right: Float32Array, size: Size): void {
  if (Math.max(size.width, size.height) <= COARSEST) {
    for (let sweep = 0; sweep < COARSEST_SWEEPS; sweep++) relax(u, inside, right, size)
    return
  }
  for (let sweep = 0; sweep < SMOOTHING_SWEEPS; sweep++) relax(u, inside, right, size)
  const coarse = restricted(u, inside, right, size)
  const correction = new Float32Array(coarse.inside.length)
  vCycle(correction, coarse.inside, coarse.right, coarse.size)
  const { width, height } = coarse.size
  const doubled = { width: width * 2, height: height * 2 }
  const finer = resizeBilinear({ ...coarse.size, data: correction }, doubled, size).data
  for (let at = 0; at < u.length; at++) if (inside[at]) u[at] = (u[at] ?? 0) + (finer[at] ?? 0)
  for (let sweep = 0; sweep < SMOOTHING_SWEEPS; sweep++) relax(u, inside, right, size)
}

/** One Gauss-Seidel sweep. */
function relax(u: Float32Array, inside: Uint8Array, right: Float32Array, { width, height }: Size): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      if (inside[at]) u[at] = (neighbours(u, x, y, width, height) + (right[at] ?? 0)) / 4
    }
  }
}

/** What is still wrong, summed over squares of four nodes; squares that are wholly inside are the nodes of the coarse grid. */
function restricted(u: Float32Array, inside: Uint8Array, right: Float32Array, { width, height }: Size) {
  const size = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) }
  const coarse = new Uint8Array(size.width * size.height)
  const residual = new Float32Array(coarse.length)
  const covered = new Uint8Array(coarse.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      if (!inside[at]) continue
      const to = (y >> 1) * size.width + (x >> 1)
      covered[to] = (covered[to] ?? 0) + 1
      residual[to] = (residual[to] ?? 0) + (right[at] ?? 0) + neighbours(u, x, y, width, height) - 4 * (u[at] ?? 0)
    }
  }
  for (let at = 0; at < coarse.length; at++) coarse[at] = covered[at] === 4 ? 1 : 0
  return { inside: coarse, right: residual, size }
}

function neighbours(u: Float32Array, x: number, y: number, width: number, height: number): number {
  const at = y * width + x
  return (
    (x > 0 ? (u[at - 1] ?? 0) : 0) +
    (x + 1 < width ? (u[at + 1] ?? 0) : 0) +
    (y > 0 ? (u[at - width] ?? 0) : 0) +
    (y + 1 < height ? (u[at + width] ?? 0) : 0)
  )
}
