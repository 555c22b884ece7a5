import type { Size } from './decode.ts'

export type BinaryMask = Size & {
  /** 255 inside, 0 outside. */
  pixels: Uint8Array<ArrayBuffer>
  /** Pixels inside. */
  area: number
  /** [left, top, right, bottom] in pixels, right and bottom exclusive; undefined for an empty mask. */
  boundingBox: [number, number, number, number] | undefined
}

/** [left, top, right, bottom], right and bottom exclusive. */
type Box = readonly [left: number, top: number, right: number, bottom: number]

/** A plane of floats, row by row. Outside of `positive`, where that is known, none is over 0. */
export type Plane = Size & { data: Float32Array; positive?: Box }

/** The plane with the box around what is over 0. */
export const bounded = (plane: Plane): Plane => ({
  ...plane,
  positive: measure(plane.data, plane).boundingBox ?? [0, 0, 0, 0],
})

/**
 * Bilinear resampling without antialiasing, pixel centres at halves and edges held: what PyTorch's interpolate
 * (align_corners=False) and ONNX's Resize (half_pixel, linear) do. Of the result, only the top left `part` is made; and of a source
 * that knows where it is positive only what is over 0, and what lies beside it: the rest stays as it is in `data`.
 */
export function resizeBilinear(
  source: Plane,
  target: Size,
  part: Size = target,
  data = new Float32Array(part.width * part.height),
): Plane {
  const box = eachRow(source, target, part, ({ row: above }, { row: below }, v, y, [left, , right]) => {
    const start = y * part.width
    for (let x = left; x < right; x++) data[start + x] = (above[x] ?? 0) * (1 - v) + (below[x] ?? 0) * v
  })
  return { ...part, data, ...(source.positive ? { positive: box } : {}) }
}

/**
 * The mask of a plane of logits resampled to a size, over 0 being inside. The same as resampling and comparing, without the
 * floats of the whole picture: 48 MB for one of 12 megapixels.
 */
export function maskAtSize(source: Plane, target: Size): BinaryMask {
  const pixels = new Uint8Array(target.width * target.height)
  let [area, left, top, right, bottom] = [0, target.width, target.height, 0, 0]
  eachRow(source, target, target, (upper, lower, v, y) => {
    const [above, below] = [upper.row, lower.row]
    // What lies between two values that are not over 0 is not either: most of most pictures need not be looked at.
    const [start, end] = [Math.min(upper.first, lower.first), Math.max(upper.end, lower.end)]
    const offset = y * target.width
    let [inside, first, last] = [0, -1, -1]
    for (let x = start; x < end; x++) {
      if ((above[x] ?? 0) * (1 - v) + (below[x] ?? 0) * v <= 0) continue
      pixels[offset + x] = 255
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

/** What the values that are over 0 cover: a mask's pixels, or logits. */
export function measure(
  values: Uint8Array | Float32Array,
  { width, height }: Size,
): Pick<BinaryMask, 'area' | 'boundingBox'> {
  let [area, left, top, right, bottom] = [0, width, height, 0, 0]
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if ((values[at] ?? 0) <= 0) continue
      area++
      if (x < left) left = x
      if (x >= right) right = x + 1
      if (y < top) top = y
      bottom = y + 1
    }
  }
  return { area, boundingBox: area > 0 ? [left, top, right, bottom] : undefined }
}

/** A row of the source at the target's width, and between where it is over 0 at all. */
type WideRow = { y: number; row: Float32Array; first: number; end: number }

/**
 * Calls for each row of the result with the two rows between which it lies, and how much the second counts. Rows of the source
 * are brought to the width once, whichever number of rows are made of them; they are overwritten afterwards. Leaves out what comes
 * of no positive pixel, nor lies beside one that does, and gives the box of the rest.
 */
function eachRow(
  source: Plane,
  target: Size,
  part: Size,
  use: (above: WideRow, below: WideRow, weight: number, y: number, box: Box) => void,
): Box {
  const columns = taps(source.width, target.width, part.width)
  const rows = taps(source.height, target.height, part.height)
  const [fromLeft, fromTop, toRight, toBottom] = source.positive ?? [0, 0, source.width, source.height]
  const [left, right] = touched(columns, fromLeft, toRight)
  const [top, bottom] = touched(rows, fromTop, toBottom)
  const box: Box = [left, top, right, bottom]
  const wideRow = (): WideRow => ({ y: -1, row: new Float32Array(part.width), first: 0, end: 0 })
  let [upper, lower] = [wideRow(), wideRow()]
  for (let y = top; y < bottom; y++) {
    const [above, below] = [rows.low[y] ?? 0, rows.high[y] ?? 0]
    if (upper.y !== above && lower.y === above) [upper, lower] = [lower, upper]
    if (upper.y !== above) acrossInto(upper, source, above, columns, box)
    if (lower.y !== below) acrossInto(lower, source, below, columns, box)
    use(upper, lower, rows.weight[y] ?? 0, y, box)
  }
  return box
}

/** The positions that one of these pixels of the source counts for, and those beside them, which are interpolated with them afterwards. */
function touched({ low, high }: Taps, from: number, to: number): [first: number, end: number] {
  if (to <= from) return [0, 0]
  const first = high.findIndex((pixel) => pixel >= from)
  const last = low.findLastIndex((pixel) => pixel < to)
  return first < 0 || last < first ? [0, 0] : [Math.max(0, first - 1), Math.min(low.length, last + 2)]
}

function acrossInto(into: WideRow, source: Plane, y: number, columns: Taps, [from, , to]: Box): void {
  const start = y * source.width
  let [first, end] = [to, from]
  for (let x = from; x < to; x++) {
    const u = columns.weight[x] ?? 0
    const left = source.data[start + (columns.low[x] ?? 0)] ?? 0
    const right = source.data[start + (columns.high[x] ?? 0)] ?? 0
    const value = left * (1 - u) + right * u
    into.row[x] = value
    if (value <= 0) continue
    if (first > x) first = x
    end = x + 1
  }
  Object.assign(into, { y, first, end })
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
