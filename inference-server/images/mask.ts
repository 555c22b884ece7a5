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
 * (align_corners=False) and ONNX's Resize (half_pixel, linear) do. Of the result, only the top left `part` is made.
 */
export function resizeBilinear(source: Plane, target: Size, part: Size = target): Plane {
  const data = new Float32Array(part.width * part.height)
  eachRow(source, target, part, (row, y) => data.set(row, y * part.width))
  return { ...part, data }
}

/**
 * The mask of a plane of logits resampled to a size, over 0 being inside. The same as resampling and comparing, without the
 * floats of the whole picture: 48 MB for one of 12 megapixels.
 */
export function maskAtSize(source: Plane, target: Size): BinaryMask {
  const pixels = new Uint8Array(target.width * target.height)
  let [area, left, top, right, bottom] = [0, target.width, target.height, 0, 0]
  eachRow(source, target, target, (row, y) => {
    let [inside, first, last] = [0, -1, -1]
    const start = y * target.width
    for (let x = 0; x < row.length; x++) {
      if ((row[x] ?? 0) <= 0) continue
      pixels[start + x] = 255
      inside++
      if (first < 0) first = x
      last = x
    }
    if (inside === 0) return
    area += inside
    left = Math.min(left, first)
    right = Math.max(right, last + 1)
    top = Math.min(top, y)
    bottom = y + 1
  })
  return { ...target, pixels, area, boundingBox: area > 0 ? [left, top, right, bottom] : undefined }
}

/** What a mask of pixels that are not 0 covers. */
export function measure(pixels: Uint8Array, { width, height }: Size): Pick<BinaryMask, 'area' | 'boundingBox'> {
  let [area, left, top, right, bottom] = [0, width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width, (y + 1) * width)
    for (let x = 0; x < width; x++) {
      if (!row[x]) continue
      area++
      if (x < left) left = x
      if (x >= right) right = x + 1
      if (y < top) top = y
      bottom = y + 1
    }
  }
  return { area, boundingBox: area > 0 ? [left, top, right, bottom] : undefined }
}

/**
 * Calls with each row of the resampled plane in turn; the row is overwritten afterwards. Rows of the source are resampled
 * across once, whichever number of rows are made of them.
 */
function eachRow(source: Plane, target: Size, part: Size, use: (row: Float32Array, y: number) => void): void {
  const columns = taps(source.width, target.width, part.width)
  const rows = taps(source.height, target.height, part.height)
  let upper = { y: -1, row: new Float32Array(part.width) }
  let lower = { y: -1, row: new Float32Array(part.width) }
  const result = new Float32Array(part.width)
  for (let y = 0; y < part.height; y++) {
    const [above, below] = [rows.low[y] ?? 0, rows.high[y] ?? 0]
    if (upper.y !== above && lower.y === above) [upper, lower] = [lower, upper]
    if (upper.y !== above) acrossInto(upper, source, above, columns)
    if (lower.y !== below) acrossInto(lower, source, below, columns)
    const v = rows.weight[y] ?? 0
    const [a, b] = [upper.row, lower.row]
    for (let x = 0; x < result.length; x++) result[x] = (a[x] ?? 0) * (1 - v) + (b[x] ?? 0) * v
    use(result, y)
  }
}

function acrossInto(into: { y: number; row: Float32Array }, source: Plane, y: number, columns: Taps): void {
  const start = y * source.width
  for (let x = 0; x < into.row.length; x++) {
    const u = columns.weight[x] ?? 0
    const left = source.data[start + (columns.low[x] ?? 0)] ?? 0
    const right = source.data[start + (columns.high[x] ?? 0)] ?? 0
    into.row[x] = left * (1 - u) + right * u
  }
  into.y = y
}

type Taps = { low: Int32Array; high: Int32Array; weight: Float32Array }

/** For each of the first `count` of `to` positions: the two source positions, and how much the second counts. */
function taps(from: number, to: number, count: number): Taps {
  const low = new Int32Array(count)
  const high = new Int32Array(count)
  const weight = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    low[i] = Math.floor(position)
    high[i] = Math.min(Math.floor(position) + 1, from - 1)
    weight[i] = position - Math.floor(position)
  }
  return { low, high, weight }
}
