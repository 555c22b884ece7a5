import { workspace } from '../core/scratch.ts'
import type { Resize, RgbImage, Size } from './decode.ts'

type Kernel = Resize['kernel']

/** How far each filter reaches, in pixels of the coarser side, and its weight at a distance (Pillow, src/libImaging/Resample.c). */
const FILTERS: Readonly<Record<Kernel, { support: number; weight(distance: number): number }>> = {
  linear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  cubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos3: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** Keys' cubic with a = -0.5. */
function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1
  return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** Pillow weighs 8-bit pixels in fixed point. */
const PRECISION_BITS = 32 - 8 - 2

/**
 * A picture at another size, exactly as Pillow's `resize` makes it, to the last bit: the vision models were trained and are
 * referred to by pictures that it resized. Averages when it shrinks. For pictures to be enlarged, where libvips aligns the
 * corners of pixels instead of their middles and so shifts the picture.
 */
export function resample(image: RgbImage, { width, height }: Size, kernel: Kernel): RgbImage {
  const wide = (picture: RgbImage, memory = new ArrayBuffer(3 * width * picture.height)) =>
    picture.width === width ? picture : across(picture, width, kernel, memory)
  const high = (picture: RgbImage, memory = new ArrayBuffer(3 * picture.width * height)) =>
    picture.height === height ? picture : down(picture, height, kernel, memory)
  // Pillow goes across first, unless going down first leaves it less to do; pixels are rounded in between, so that it matters.
  if (width > image.width && height < image.height) return wide(high(image, between(3 * image.width * height)))
  return high(wide(image, image.height === height ? undefined : between(3 * width * image.height)))
}

/** For the picture that is resized in one direction. */
const between = workspace()

/** The part of a resampled picture that is asked for. */
export function resampleTo(image: RgbImage, { width, height, kernel, crop }: Resize): RgbImage {
  const whole = resample(image, { width, height }, kernel)
  if (!crop) return whole
  const data = new Uint8Array(3 * crop.width * crop.height)
  for (let y = 0; y < crop.height; y++) {
    const from = 3 * ((crop.top + y) * width + crop.left)
    data.set(whole.data.subarray(from, from + 3 * crop.width), 3 * y * crop.width)
  }
  return { width: crop.width, height: crop.height, data }
}

function across(image: RgbImage, target: number, kernel: Kernel, memory: ArrayBuffer): RgbImage {
  const { data, width, height } = image
  const found = coefficients(width, target, kernel)
  const pairs = pairsOf(found, width)
  if (pairs) return { width: target, height, data: acrossPairs(image, target, pairs, memory) }
  const { first, count, weights, most } = found
  const result = new Uint8ClampedArray(memory, 0, 3 * target * height)
  // Plain integers in plain variables: this is run for every pixel, and what the compiler cannot prove to be one costs it twice.
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < target; x++, to += 3) {
      const end = x * most + (count[x] ?? 0)
      let from = 3 * (y * width + (first[x] ?? 0))
      let red = HALF
      let green = HALF
      let blue = HALF
      for (let i = x * most; i < end; i++, from += 3) {
        const weight = weights[i] ?? 0
        red = (red + Math.imul(data[from] ?? 0, weight)) | 0
        green = (green + Math.imul(data[from + 1] ?? 0, weight)) | 0
        blue = (blue + Math.imul(data[from + 2] ?? 0, weight)) | 0
      }
      result[to] = red >> PRECISION_BITS
      result[to + 1] = green >> PRECISION_BITS
      result[to + 2] = blue >> PRECISION_BITS
    }
  }
  return { width: target, height, data: new Uint8Array(memory, 0, result.length) }
}

function down(image: RgbImage, target: number, kernel: Kernel, memory: ArrayBuffer): RgbImage {
  const { data, width, height } = image
  const found = coefficients(height, target, kernel)
  const pairs = pairsOf(found, height)
  if (pairs) return { width, height: target, data: downPairs(image, target, pairs, memory) }
  const { first, count, weights, most } = found
  const row = 3 * width
  const result = new Uint8ClampedArray(memory, 0, row * target)
  const sums = new Int32Array(row)
  for (let y = 0; y < target; y++) {
    sums.fill(HALF)
    for (let i = 0; i < (count[y] ?? 0); i++) {
      const weight = weights[y * most + i] ?? 0
      const from = ((first[y] ?? 0) + i) * row
      for (let x = 0; x < row; x++) sums[x] = ((sums[x] ?? 0) + Math.imul(data[from + x] ?? 0, weight)) | 0
    }
    for (let x = 0, to = y * row; x < row; x++, to++) result[to] = (sums[x] ?? 0) >> PRECISION_BITS
  }
  return { width, height: target, data: new Uint8Array(memory, 0, result.length) }
}

/** For each position the two pixels that count, and their weights: how a linear filter enlarges. */
type Pairs = { low: Int32Array; high: Int32Array; lowWeight: Int32Array; highWeight: Int32Array }

/** Undefined when some position has more than two pixels. The same sums then take a third of the time without inner loops. */
function pairsOf({ first, count, weights, most }: Coefficients, size: number): Pairs | undefined {
  if (count.some((pixels) => pixels > 2)) return undefined
  const second = (at: number) => (count[at] === 2 ? (weights[at * most + 1] ?? 0) : 0)
  return {
    low: first,
    high: first.map((pixel) => Math.min(pixel + 1, size - 1)),
    lowWeight: count.map((_, at) => weights[at * most] ?? 0),
    highWeight: count.map((_, at) => second(at)),
  }
}

function acrossPairs({ data, width, height }: RgbImage, target: number, pairs: Pairs, memory: ArrayBuffer) {
  const { low, high, lowWeight, highWeight } = pairs
  const result = new Uint8Array(memory, 0, 3 * target * height)
  for (let y = 0, to = 0; y < height; y++) {
    const row = 3 * y * width
    for (let x = 0; x < target; x++, to += 3) {
      const a = row + 3 * (low[x] ?? 0)
      const b = row + 3 * (high[x] ?? 0)
      const u = lowWeight[x] ?? 0
      const v = highWeight[x] ?? 0
      result[to] = (Math.imul(data[a] ?? 0, u) + Math.imul(data[b] ?? 0, v) + HALF) >> PRECISION_BITS
      result[to + 1] = (Math.imul(data[a + 1] ?? 0, u) + Math.imul(data[b + 1] ?? 0, v) + HALF) >> PRECISION_BITS
      result[to + 2] = (Math.imul(data[a + 2] ?? 0, u) + Math.imul(data[b + 2] ?? 0, v) + HALF) >> PRECISION_BITS
    }
  }
  return result
}

function downPairs({ data, width }: RgbImage, target: number, pairs: Pairs, memory: ArrayBuffer) {
  const { low, high, lowWeight, highWeight } = pairs
  const row = 3 * width
  const result = new Uint8Array(memory, 0, row * target)
  for (let y = 0, to = 0; y < target; y++) {
    const u = lowWeight[y] ?? 0
    const v = highWeight[y] ?? 0
    const shift = row * ((high[y] ?? 0) - (low[y] ?? 0))
    const start = row * (low[y] ?? 0)
    for (let at = start; at < start + row; at++, to++) {
      result[to] = (Math.imul(data[at] ?? 0, u) + Math.imul(data[at + shift] ?? 0, v) + HALF) >> PRECISION_BITS
    }
  }
  return result
}

/** Half of one, so that cutting off the fraction rounds. */
const HALF = 1 << (PRECISION_BITS - 1)

type Coefficients = { first: Int32Array; count: Int32Array; weights: Int32Array; most: number }

/** For each of `to` positions: the first of the source's pixels that count, how many do, and by what weights. */
function coefficients(from: number, to: number, kernel: Kernel): Coefficients {
  const filter = FILTERS[kernel]
  const scale = from / to
  const reach = Math.max(scale, 1)
  const support = filter.support * reach
  const most = Math.ceil(support) * 2 + 1
  const first = new Int32Array(to)
  const count = new Int32Array(to)
  const weights = new Int32Array(to * most)
  for (let at = 0; at < to; at++) {
    const centre = (at + 0.5) * scale
    const start = Math.max(0, Math.trunc(centre - support + 0.5))
    const end = Math.min(from, Math.trunc(centre + support + 0.5))
    const exact = Array.from({ length: end - start }, (_, i) => filter.weight((start + i - centre + 0.5) * (1 / reach)))
    const sum = exact.reduce((total, weight) => total + weight, 0)
    first[at] = start
    count[at] = exact.length
    for (const [i, weight] of exact.entries()) {
      const fixed = (sum === 0 ? weight : weight / sum) * (1 << PRECISION_BITS)
      weights[at * most + i] = Math.trunc(fixed + (weight < 0 ? -0.5 : 0.5))
    }
  }
  return { first, count, weights, most }
}
