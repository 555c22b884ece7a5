import type { Size } from './decode.ts'

/** Distances are given in thirds of a pixel. */
export const DISTANCE_UNIT = 3
const DIAGONAL = 4
/** Far from everything; a step more still fits into 16 bits. */
const FAR = 65_000

/**
 * For each pixel that is 1, the distance to the nearest 0 in thirds of a pixel (at most 8 % off the Euclidean: Borgefors'
 * 3-4 chamfer, two passes of integers); 0 for the others. What lies beyond the picture's border counts as neither: a shape that
 * the border cuts is as thick there as if it went on.
 */
export function distanceToZero(mask: Uint8Array, size: Size): Uint16Array<ArrayBuffer> {
  const distances = new Uint16Array(mask.length)
  for (let at = 0; at < mask.length; at++) distances[at] = mask[at] === 0 ? 0 : FAR
  relax(distances, mask, size)
  return distances
}

/** For each pixel that is 1, about the length of the shortest way within the mask to a seed (not 0); 65,000 for the others. */
export function distanceWithin(mask: Uint8Array, seeds: Uint8Array, size: Size): Uint16Array<ArrayBuffer> {
  const distances = new Uint16Array(mask.length)
  for (let at = 0; at < mask.length; at++) distances[at] = seeds[at] === 0 ? FAR : 0
  relax(distances, mask, size)
  return distances
}

/** Brings the pixels of the mask down to their neighbours' distances and a step, from the top left and back. */
function relax(distances: Uint16Array, mask: Uint8Array, { width, height }: Size): void {
  const last = width - 1
  for (let at = mask.indexOf(1); at >= 0; at = mask[at + 1] === 1 ? at + 1 : mask.indexOf(1, at + 1)) {
    const x = at % width
    let nearest = distances[at] ?? 0
    if (x > 0) nearest = Math.min(nearest, (distances[at - 1] ?? 0) + DISTANCE_UNIT)
    if (at >= width) {
      nearest = Math.min(nearest, (distances[at - width] ?? 0) + DISTANCE_UNIT)
      if (x > 0) nearest = Math.min(nearest, (distances[at - width - 1] ?? 0) + DIAGONAL)
      if (x < last) nearest = Math.min(nearest, (distances[at - width + 1] ?? 0) + DIAGONAL)
    }
    distances[at] = nearest
  }
  const bottom = width * (height - 1)
  // A search from -1 would begin at the end again.
  const before = (at: number) => (at === 0 ? -1 : mask[at - 1] === 1 ? at - 1 : mask.lastIndexOf(1, at - 1))
  for (let at = mask.lastIndexOf(1); at >= 0; at = before(at)) {
    const x = at % width
    let nearest = distances[at] ?? 0
    if (x < last) nearest = Math.min(nearest, (distances[at + 1] ?? 0) + DISTANCE_UNIT)
    if (at < bottom) {
      nearest = Math.min(nearest, (distances[at + width] ?? 0) + DISTANCE_UNIT)
      if (x > 0) nearest = Math.min(nearest, (distances[at + width - 1] ?? 0) + DIAGONAL)
      if (x < last) nearest = Math.min(nearest, (distances[at + width + 1] ?? 0) + DIAGONAL)
    }
    distances[at] = nearest
  }
}
