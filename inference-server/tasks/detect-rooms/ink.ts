import type { RgbImage, Size } from '../../images/decode.ts'

/** Which of the two is drawn: dark lines on light paper, or light lines as on a blueprint. `auto` takes the rarer. */
export type Lines = 'auto' | 'dark' | 'light'

/** Luma of ITU-R BT.601, as OpenCV's and Pillow's greyscale. */
export function toGrey({ data, width, height }: RgbImage): Uint8Array<ArrayBuffer> {
  const grey = new Uint8Array(width * height)
  for (let at = 0, from = 0; at < grey.length; at++, from += 3) {
    grey[at] =
      ((data[from] ?? 0) * 19_595 + (data[from + 1] ?? 0) * 38_470 + (data[from + 2] ?? 0) * 7_471 + 32_768) >> 16
  }
  return grey
}

function histogramOf(grey: Uint8Array): Uint32Array {
  const histogram = new Uint32Array(256)
  for (let at = 0; at < grey.length; at++) {
    const value = grey[at] ?? 0
    histogram[value] = (histogram[value] ?? 0) + 1
  }
  return histogram
}

/** Otsu's threshold: the grey up to which pixels are the darker of two classes whose variances between are greatest. */
export function otsuThreshold(grey: Uint8Array): number {
  const histogram = histogramOf(grey)
  let total = 0
  for (const [value, count] of histogram.entries()) total += value * count
  let [best, threshold, count, sum] = [-1, 0, 0, 0]
  for (let value = 0; value < 255; value++) {
    count += histogram[value] ?? 0
    sum += value * (histogram[value] ?? 0)
    const rest = grey.length - count
    if (count === 0 || rest === 0) continue
    const variance = count * rest * (sum / count - (total - sum) / rest) ** 2
    if (variance > best) [best, threshold] = [variance, value]
  }
  return threshold
}

/** 1 where something is drawn, 0 on paper. */
export function findInk(grey: Uint8Array<ArrayBuffer>, size: Size, lines: Lines): Uint8Array<ArrayBuffer> {
  const global = otsuThreshold(grey)
  let dark = 0
  for (const [value, count] of histogramOf(grey).entries()) if (value <= global) dark += count
  const light = lines === 'light' || (lines === 'auto' && dark * 2 > grey.length)
  const page = light ? inverted(grey) : grey
  const even = flatten(page, size)
  const threshold = otsuThreshold(even)
  for (let at = 0; at < even.length; at++) even[at] = (even[at] ?? 0) <= threshold ? 1 : 0
  return even
}

function inverted(grey: Uint8Array): Uint8Array {
  const inverse = new Uint8Array(grey.length)
  for (let at = 0; at < grey.length; at++) inverse[at] = 255 - (grey[at] ?? 0)
  return inverse
}

/** Tiles across the longest side, of which each has a brightness of its own: coarse enough that each sees paper. */
const TILES = 24
/** The paper's grey in a tile: most pixels are paper, and the lighter ones are surely. */
const PAPER_PERCENTILE = 0.75

/**
 * Divides by the paper's brightness around each pixel, so that one threshold fits a page that is shaded, yellowed or
 * filled with pale colours.
 */
function flatten(grey: Uint8Array, { width, height }: Size): Uint8Array<ArrayBuffer> {
  const tile = Math.max(8, Math.ceil(Math.max(width, height) / TILES))
  const [columns, rows] = [Math.ceil(width / tile), Math.ceil(height / tile)]
  const histograms = new Uint32Array(columns * rows * 256)
  for (let y = 0; y < height; y++) {
    for (let column = 0; column < columns; column++) {
      const bins = (Math.floor(y / tile) * columns + column) * 256
      const end = y * width + Math.min((column + 1) * tile, width)
      for (let at = y * width + column * tile; at < end; at++) {
        const bin = bins + (grey[at] ?? 0)
        histograms[bin] = (histograms[bin] ?? 0) + 1
      }
    }
  }
  const whole = new Uint32Array(256)
  for (let bin = 0; bin < histograms.length; bin++) whole[bin & 255] = (whole[bin & 255] ?? 0) + (histograms[bin] ?? 0)
  // A tile that lies in a solid dark area sees no paper: the whole page's is then the better guess.
  const darkest = percentile(whole, PAPER_PERCENTILE) / 2
  const paper = new Float32Array(columns * rows)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const around = new Uint32Array(256)
      for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
        for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
          const start = (y * columns + x) * 256
          for (let value = 0; value < 256; value++)
            around[value] = (around[value] ?? 0) + (histograms[start + value] ?? 0)
        }
      }
      paper[row * columns + column] = Math.max(1, darkest, percentile(around, PAPER_PERCENTILE))
    }
  }
  return divide(grey, { width, height }, { tile, columns, rows, paper })
}

type Tiles = { tile: number; columns: number; rows: number; paper: Float32Array }

/** The page over the paper, whose brightness between the middles of tiles is linear. */
function divide(
  grey: Uint8Array,
  { width, height }: Size,
  { tile, columns, rows, paper }: Tiles,
): Uint8Array<ArrayBuffer> {
  const lefts = new Int32Array(width)
  const weights = new Float32Array(width)
  for (let x = 0; x < width; x++) {
    const position = Math.min(Math.max((x + 0.5) / tile - 0.5, 0), columns - 1)
    lefts[x] = Math.floor(position)
    weights[x] = position - Math.floor(position)
  }
  const even = new Uint8Array(grey.length)
  // One more than there are tiles: the right neighbour of the last one, whose weight is 0.
  const across = new Float32Array(columns + 1)
  for (let y = 0, at = 0; y < height; y++) {
    const position = Math.min(Math.max((y + 0.5) / tile - 0.5, 0), rows - 1)
    const upper = Math.floor(position)
    const lower = Math.min(upper + 1, rows - 1)
    for (let column = 0; column < columns; column++) {
      const above = paper[upper * columns + column] ?? 0
      across[column] = above + ((paper[lower * columns + column] ?? 0) - above) * (position - upper)
    }
    for (let x = 0; x < width; x++, at++) {
      const left = lefts[x] ?? 0
      const before = across[left] ?? 0
      const white = before + ((across[left + 1] ?? 0) - before) * (weights[x] ?? 0)
      even[at] = Math.min(255, ((grey[at] ?? 0) * 255) / white)
    }
  }
  return even
}

function percentile(histogram: Uint32Array, share: number): number {
  let total = 0
  for (const count of histogram) total += count
  let seen = 0
  for (const [value, count] of histogram.entries()) {
    seen += count
    if (seen >= total * share) return value
  }
  return 255
}
