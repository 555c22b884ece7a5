import type { Size } from './decode.ts'

export type BinaryMask = Size & {
  /** 255 inside, 0 outside. */
  pixels: Uint8Array<ArrayBuffer>
  /** Pixels inside. */
  area: number
  /** [left, top, right, bottom] in pixels, right and bottom exclusive; undefined for an empty mask. */
  boundingBox: [number, number, number, number] | undefined
}

/** A plane of floats, row by row. */
export type Plane = Size & { data: Float32Array }

/**
 * Bilinear resampling without antialiasing, pixel centres at halves and edges held: what PyTorch's interpolate
 * (align_corners=False) and ONNX's Resize (half_pixel, linear) do.
 */
export function resizeBilinear(source: Plane, target: Size): Plane {
  const data = new Float32Array(target.width * target.height)
  const columns = taps(source.width, target.width)
  const rows = taps(source.height, target.height)
  for (let y = 0; y < target.height; y++) {
    const upper = (rows.low[y] ?? 0) * source.width
    const lower = (rows.high[y] ?? 0) * source.width
    const v = rows.weight[y] ?? 0
    const start = y * target.width
    for (let x = 0; x < target.width; x++) {
      const left = columns.low[x] ?? 0
      const right = columns.high[x] ?? 0
      const u = columns.weight[x] ?? 0
      const above = (source.data[upper + left] ?? 0) * (1 - u) + (source.data[upper + right] ?? 0) * u
      const below = (source.data[lower + left] ?? 0) * (1 - u) + (source.data[lower + right] ?? 0) * u
      data[start + x] = above * (1 - v) + below * v
    }
  }
  return { ...target, data }
}

/** The top left part of a plane. */
export function crop(source: Plane, size: Size): Plane {
  const data = new Float32Array(size.width * size.height)
  for (let y = 0; y < size.height; y++) {
    data.set(source.data.subarray(y * source.width, y * source.width + size.width), y * size.width)
  }
  return { ...size, data }
}

/** Logits over 0 are inside. */
export function threshold({ data, width, height }: Plane): BinaryMask {
  const pixels = new Uint8Array(data.length)
  let [area, left, top, right, bottom] = [0, width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      if ((data[at] ?? 0) <= 0) continue
      pixels[at] = 255
      area++
      if (x < left) left = x
      if (x >= right) right = x + 1
      if (y < top) top = y
      bottom = y + 1
    }
  }
  return { width, height, pixels, area, boundingBox: area > 0 ? [left, top, right, bottom] : undefined }
}

function taps(from: number, to: number): { low: Int32Array; high: Int32Array; weight: Float32Array } {
  const low = new Int32Array(to)
  const high = new Int32Array(to)
  const weight = new Float32Array(to)
  for (let i = 0; i < to; i++) {
    const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    low[i] = Math.floor(position)
    high[i] = Math.min(Math.floor(position) + 1, from - 1)
    weight[i] = position - Math.floor(position)
  }
  return { low, high, weight }
}
