import type { Size } from './decode.ts'

/** Connected sets of pixels. Numbers start at 1, in the order in which a reader going row by row meets the sets. */
export type Components = Size & {
  count: number
  /** The number of each pixel's set, 0 for pixels outside the mask. */
  labels: Int32Array<ArrayBuffer>
  /** Pixels of each set, at its number. */
  areas: Int32Array
  /** Left, top, right, bottom of each set (right and bottom exclusive), at four times its number. */
  boxes: Int32Array
}

/**
 * Labels the connected sets of the pixels that are not 0. With connectivity 4, pixels that touch at corners only are apart:
 * the complement of a shape must be counted with the other connectivity, or a diagonal line lets through what it separates.
 * Works on the runs of each row (a run joins the runs above that it touches), which are far fewer than pixels.
 */
export function connectedComponents(mask: Uint8Array, { width, height }: Size, connectivity: 4 | 8): Components {
  const reach = connectivity === 8 ? 1 : 0
  const labels = new Int32Array(width * height)
  const parents = [0]
  const find = (label: number): number => {
    let root = label
    while ((parents[root] ?? 0) !== root) root = parents[root] ?? 0
    while ((parents[label] ?? 0) !== root) {
      const next = parents[label] ?? 0
      parents[label] = root
      label = next
    }
    return root
  }
  for (let y = 0; y < height; y++) {
    const row = y * width
    let x = 0
    while (x < width) {
      if ((mask[row + x] ?? 0) === 0) {
        x++
        continue
      }
      const start = x
      while (x < width && (mask[row + x] ?? 0) !== 0) x++
      let label = 0
      if (y > 0) {
        const last = Math.min(x - 1 + reach, width - 1) + row - width
        let previous = 0
        for (let at = Math.max(start - reach, 0) + row - width; at <= last; at++) {
          const above = labels[at] ?? 0
          if (above === 0 || above === previous) continue
          previous = above
          const root = find(above)
          if (label === 0) label = root
          else if (label < root) parents[root] = label
          else if (root < label) {
            parents[label] = root
            label = root
          }
        }
      }
      if (label === 0) {
        label = parents.length
        parents.push(label)
      }
      labels.fill(label, row + start, row + x)
    }
  }
  // A root is the smallest label of its set: numbering roots in order keeps the order of reading.
  const numbers = new Int32Array(parents.length)
  let count = 0
  for (let label = 1; label < parents.length; label++) {
    numbers[label] = (parents[label] ?? 0) === label ? ++count : (numbers[find(label)] ?? 0)
  }
  return { width, height, count, labels, ...measure(labels, numbers, count, { width, height }) }
}

/** Renumbers in place and measures each set in the same pass. */
function measure(
  labels: Int32Array,
  numbers: Int32Array,
  count: number,
  { width, height }: Size,
): Pick<Components, 'areas' | 'boxes'> {
  const areas = new Int32Array(count + 1)
  const boxes = new Int32Array(4 * (count + 1))
  for (let number = 1; number <= count; number++) boxes.set([width, height, 0, 0], 4 * number)
  let at = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const label = labels[at] ?? 0
      if (label === 0) continue
      const number = numbers[label] ?? 0
      labels[at] = number
      areas[number] = (areas[number] ?? 0) + 1
      const box = 4 * number
      if (x < (boxes[box] ?? 0)) boxes[box] = x
      if (y < (boxes[box + 1] ?? 0)) boxes[box + 1] = y
      if (x >= (boxes[box + 2] ?? 0)) boxes[box + 2] = x + 1
      boxes[box + 3] = y + 1
    }
  }
  return { areas, boxes }
}
