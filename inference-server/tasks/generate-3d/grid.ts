import type { Size } from '../../images/decode.ts'

/** [left, top, right, bottom] in pixels, right and bottom exclusive. */
export type Box = readonly [number, number, number, number]

/** A mask at some resolution: 1 inside, 0 outside; its area in pixels. */
export type Mask = Size & { inside: Uint8Array; area: number }

/** The bounding box of a mask; undefined when it is empty. */
export function boxOf({ width, height, inside }: Mask): Box | undefined {
  let [left, top, right, bottom] = [width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside[y * width + x]) continue
      if (x < left) left = x
      if (x >= right) right = x + 1
      if (y < top) top = y
      bottom = y + 1
    }
  }
  return right > 0 ? [left, top, right, bottom] : undefined
}

/**
 * The mask at another resolution: inside where the pixel under a node's middle is. A mask so thin that no middle meets it is
 * inside wherever any pixel of a node's square is, so that something is left of it.
 */
export function resampled(mask: Mask, to: Size): Mask {
  const { width, height, inside } = mask
  const out = new Uint8Array(to.width * to.height)
  let area = 0
  for (let y = 0; y < to.height; y++) {
    const row = Math.min(height - 1, Math.floor(((y + 0.5) * height) / to.height)) * width
    for (let x = 0; x < to.width; x++) {
      if (!inside[row + Math.min(width - 1, Math.floor(((x + 0.5) * width) / to.width))]) continue
      out[y * to.width + x] = 1
      area++
    }
  }
  return area > 0 ? { ...to, inside: out, area } : touched(mask, to)
}

function touched({ width, height, inside }: Mask, to: Size): Mask {
  const out = new Uint8Array(to.width * to.height)
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * to.height) / height) * to.width
    for (let x = 0; x < width; x++) {
      if (inside[y * width + x]) out[row + Math.floor((x * to.width) / width)] = 1
    }
  }
  return { ...to, inside: out, area: out.reduce((sum, value) => sum + value, 0) }
}

const MOST_ATTEMPTS = 8

/**
 * The largest grid over a picture of the given size, with square steps, of which at most `points` nodes are inside and which
 * has at most `maxNodes` nodes; never finer than the picture itself.
 */
export function gridFor(picture: Size, mask: Mask | undefined, points: number, maxNodes: number): Size {
  const area = picture.width * picture.height
  const share = mask ? mask.area / (mask.width * mask.height) : 1
  let scale = Math.min(1, Math.sqrt(Math.min(points / Math.max(share, 1 / area), maxNodes) / area))
  for (let attempt = 1; ; attempt++) {
    const grid = {
      width: Math.max(1, Math.floor(picture.width * scale)),
      height: Math.max(1, Math.floor(picture.height * scale)),
    }
    const count = mask ? resampled(mask, grid).area : grid.width * grid.height
    if (count <= points || grid.width * grid.height === 1) return grid
    // A mask of stripes may be met more and more densely: with no more nodes than points, none are too many.
    // Otherwise the share of the nodes differs a little from that of the pixels: a step down, by half a pixel at least.
    scale =
      attempt === MOST_ATTEMPTS
        ? Math.min(scale, Math.sqrt(points / area))
        : Math.min(scale * Math.sqrt(points / count), scale - 0.5 / Math.max(picture.width, picture.height))
  }
}
