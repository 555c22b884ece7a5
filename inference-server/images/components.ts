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
 * Labels the connected sets of the pixels that are 1; the others are 0. With connectivity 4, pixels that touch at corners only are
 * apart: the complement of a shape must be counted with the other connectivity, or a diagonal line lets through what it
 * separates. Works on the runs of each row (a run joins the runs above that it touches), which are far fewer than pixels.
 */
export function connectedComponents(mask: Uint8Array, { width, height }: Size, connectivity: 4 | 8): Components {
  const reach = connectivity === 8 ? 1 : 0
  const runs = findRuns(mask, width)
  const parents = new Int32Array(runs.count)
  const find = (run: number): number => {
    let root = run
    while ((parents[root] ?? 0) !== root) root = parents[root] ?? 0
    for (let at = run; at !== root; ) {
      const next = parents[at] ?? 0
      parents[at] = root
      at = next
    }
    return root
  }
  let above = 0
  for (let run = 0; run < runs.count; run++) {
    parents[run] = run
    const start = runs.starts[run] ?? 0
    const end = runs.ends[run] ?? 0
    const row = start - (start % width)
    // Positions in the row above, as far as this row's pixels touch them; not beyond its sides.
    const from = Math.max(start - reach, row) - width
    const to = Math.min(end + reach, row + width) - width
    while (above < run && (runs.ends[above] ?? 0) <= from) above++
    for (let other = above; other < run && (runs.starts[other] ?? 0) < to; other++) {
      const [a, b] = [find(other), find(run)]
      if (a < b) parents[b] = a
      else parents[a] = b
    }
  }
  return number(runs, parents, find, { width, height })
}

type Runs = { count: number; starts: Int32Array; ends: Int32Array }

/** Where stretches of 1 start and end, none across the end of a row; found by the engine's own search, many bytes at a time. */
function findRuns(mask: Uint8Array, width: number): Runs {
  let starts = new Int32Array(1024)
  let ends = new Int32Array(1024)
  let count = 0
  for (let start = mask.indexOf(1); start >= 0; ) {
    const zero = mask.indexOf(0, start + 1)
    const stop = zero < 0 ? mask.length : zero
    while (start < stop) {
      const end = Math.min(stop, start - (start % width) + width)
      if (count === starts.length) {
        starts = enlarged(starts)
        ends = enlarged(ends)
      }
      starts[count] = start
      ends[count++] = end
      start = end
    }
    start = stop < mask.length ? mask.indexOf(1, stop) : -1
  }
  return { count, starts, ends }
}

function enlarged(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length)
  larger.set(array)
  return larger
}

function number(runs: Runs, parents: Int32Array, find: (run: number) => number, { width, height }: Size): Components {
  const labels = new Int32Array(width * height)
  const numbers = new Int32Array(runs.count)
  // A root is the first run of its set: numbering roots in order keeps the order of reading.
  let count = 0
  for (let run = 0; run < runs.count; run++) if (parents[run] === run) numbers[run] = ++count
  const areas = new Int32Array(count + 1)
  const boxes = new Int32Array(4 * (count + 1))
  for (let run = 0; run < runs.count; run++) {
    const start = runs.starts[run] ?? 0
    const end = runs.ends[run] ?? 0
    const label = numbers[find(run)] ?? 0
    labels.fill(label, start, end)
    const left = start % width
    const right = left + end - start
    const top = (start - left) / width
    const box = 4 * label
    if ((areas[label] ?? 0) === 0) boxes.set([left, top, right, top + 1], box)
    areas[label] = (areas[label] ?? 0) + end - start
    if (left < (boxes[box] ?? 0)) boxes[box] = left
    if (right > (boxes[box + 2] ?? 0)) boxes[box + 2] = right
    boxes[box + 3] = top + 1
  }
  return { width, height, count, labels, areas, boxes }
}

/** Whether a component reaches the picture's border. */
export function touchesBorder({ boxes, width, height }: Components, component: number): boolean {
  const box = 4 * component
  return boxes[box] === 0 || boxes[box + 1] === 0 || boxes[box + 2] === width || boxes[box + 3] === height
}

/** 1 for the pixels of the components that are chosen by a 1 at their numbers; 0 is the number of all other pixels. */
export function select({ labels }: Components, chosen: Uint8Array): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(labels.length)
  for (let at = 0; at < labels.length; at++) mask[at] = chosen[labels[at] ?? 0] ?? 0
  return mask
}
