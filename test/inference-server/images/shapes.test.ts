import { readFile } from 'node:fs/promises'
import test from 'ava'
import fc from 'fast-check'
import { connectedComponents } from '../../../inference-server/images/components.ts'
import { signedArea, traceContours } from '../../../inference-server/images/contours.ts'
import type { Size } from '../../../inference-server/images/decode.ts'
import { distanceToZero } from '../../../inference-server/images/distance.ts'
import { isSimple, simplifyClosed } from '../../../inference-server/images/simplify.ts'
import { otsuThreshold } from '../../../inference-server/tasks/detect-rooms/ink.ts'
import { fillShape } from '../fixtures/plan-score.ts'

/** Made by inference-server/references/rooms.py. */
type Reference = {
  masks: {
    rows: string[]
    components: Record<'4' | '8', number[][]>
    outlines: Record<'4' | '8', { outer: number; holes: number }>
    distances: number[]
  }[]
  polygons: { points: number[]; epsilon: number; kept: number[] }[]
  otsu: { grey: number[]; threshold: number }[]
}
const reference: Reference = JSON.parse(
  await readFile(new URL('../fixtures/rooms/opencv.json', import.meta.url), 'utf8'),
)

function maskOf(rows: readonly string[]): { mask: Uint8Array; size: Size } {
  return {
    mask: Uint8Array.from(rows.join(''), (sign) => (sign === '#' ? 1 : 0)),
    size: { width: rows[0]?.length ?? 0, height: rows.length },
  }
}

const anyMask = fc
  .record({ width: fc.integer({ min: 1, max: 14 }), height: fc.integer({ min: 1, max: 14 }) })
  .chain((size) =>
    fc
      .array(fc.constantFrom(0, 1), { minLength: size.width * size.height, maxLength: size.width * size.height })
      .map((pixels) => ({ mask: Uint8Array.from(pixels), size })),
  )
const connectivity = fc.constantFrom(4 as const, 8 as const)

test('components have OpenCV’s areas and boxes, in reading order', (t) => {
  for (const { rows, components } of reference.masks) {
    const { mask, size } = maskOf(rows)
    for (const each of [4, 8] as const) {
      const found = connectedComponents(mask, size, each)
      const listed = Array.from({ length: found.count }, (_, at) => [
        found.areas[at + 1],
        ...found.boxes.subarray(4 * (at + 1), 4 * (at + 2)),
      ])
      t.deepEqual(listed, components[`${each}`])
    }
  }
})

test('there are as many outlines and holes as OpenCV finds', (t) => {
  for (const { rows, outlines } of reference.masks) {
    const { mask, size } = maskOf(rows)
    for (const each of [4, 8] as const) {
      const found = traceContours(mask, size, 1, each)
      const outer = found.filter(({ area }) => area > 0).length
      t.deepEqual({ outer, holes: found.length - outer }, outlines[`${each}`])
    }
  }
})

test('distances are within 8 % of OpenCV’s exact ones', (t) => {
  for (const { rows, distances } of reference.masks) {
    const { mask, size } = maskOf(rows)
    for (const [at, distance] of distanceToZero(mask, size).entries()) {
      const exact = distances[at] ?? 0
      t.true(Math.abs(distance / 3 - exact) <= exact * 0.08, `${distance / 3} for ${exact}`)
    }
  }
})

test('polygons are simplified to OpenCV’s corners', (t) => {
  const corners = (points: readonly number[]) =>
    Array.from({ length: points.length / 2 }, (_, at) => `${points[2 * at]} ${points[2 * at + 1]}`).sort()
  for (const { points, epsilon, kept } of reference.polygons) {
    t.deepEqual(corners(simplifyClosed(points, epsilon)), corners(kept))
  }
})

test('Otsu’s threshold is OpenCV’s', (t) => {
  for (const { grey, threshold } of reference.otsu) t.is(otsuThreshold(Uint8Array.from(grey)), threshold)
})

test('outlines hold the pixels of their shape and no others: filled again, they give the mask', (t) => {
  fc.assert(
    fc.property(anyMask, connectivity, ({ mask, size }, each) => {
      const contours = traceContours(mask, size, 1, each)
      const rings = contours.map(({ points }) =>
        Array.from({ length: points.length / 2 }, (_, at): [number, number] => [
          points[2 * at] ?? 0,
          points[2 * at + 1] ?? 0,
        ]),
      )
      const filled = new Uint8Array(mask.length)
      for (const at of fillShape({ polygon: rings[0] ?? [], holes: rings.slice(1) }, size)) filled[at] = 1
      t.deepEqual(filled, mask)
      const area = contours.reduce((sum, contour) => sum + contour.area, 0)
      t.is(
        area,
        mask.reduce((sum, value) => sum + value, 0),
      )
      for (const { points, area: own } of contours) t.is(signedArea(points), own)
    }),
  )
})

test('components part the mask: neighbours share a number, and what is numbered alike hangs together', (t) => {
  fc.assert(
    fc.property(anyMask, connectivity, ({ mask, size }, each) => {
      const { labels, count, areas } = connectedComponents(mask, size, each)
      const expected = flooded(mask, size, each)
      t.deepEqual([...labels], expected)
      t.is(count, Math.max(0, ...expected))
      t.is(
        areas.reduce((sum, area) => sum + area, 0),
        mask.reduce((sum, value) => sum + value, 0),
      )
    }),
  )
})

test('a simplified polygon keeps corners of the outline, and leaves none farther away than epsilon', (t) => {
  const point = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }))
  fc.assert(
    fc.property(
      fc.array(point, { minLength: 3, maxLength: 25 }),
      fc.double({ min: 0.1, max: 20, noNaN: true }),
      (ring, epsilon) => {
        const simple = simplifyClosed(ring.flat(), epsilon)
        const kept = Array.from({ length: simple.length / 2 }, (_, at): [number, number] => [
          simple[2 * at] ?? 0,
          simple[2 * at + 1] ?? 0,
        ])
        const corners = new Set(ring.map(String))
        t.true(kept.every((corner) => corners.has(String(corner))))
        for (const corner of ring) {
          const nearest = Math.min(
            ...kept.map((from, at) => distanceTo(corner, from, kept[(at + 1) % kept.length] ?? from)),
          )
          t.true(nearest <= epsilon + 1e-9, `${corner} is ${nearest} away`)
        }
      },
    ),
  )
})

test('rings that cross or touch themselves or each other are not simple', (t) => {
  const square = [0, 0, 10, 0, 10, 10, 0, 10]
  const moved = (by: number) => square.map((value) => value + by)
  t.true(isSimple([square]))
  t.true(isSimple([square, [2, 2, 2, 4, 4, 4, 4, 2]]))
  t.false(isSimple([[0, 0, 10, 10, 10, 0, 0, 10]]))
  t.false(isSimple([square, moved(5)]))
  t.false(isSimple([square, moved(10)]))
  t.false(isSimple([[0, 0, 10, 0, 5, 0, 5, 5]]))
  t.false(isSimple([[0, 0, 10, 0]]))
})

/** The numbers that a flood from each pixel in reading order gives. */
function flooded(mask: Uint8Array, { width, height }: Size, connectivity: 4 | 8): number[] {
  const numbers = new Array<number>(mask.length).fill(0)
  let count = 0
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === 0 || numbers[start] !== 0) continue
    const open = [start]
    numbers[start] = ++count
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
        [1, 1],
        [1, -1],
        [-1, 1],
        [-1, -1],
      ] as const) {
        if (connectivity === 4 && dx !== 0 && dy !== 0) continue
        const x: number = (at % width) + dx
        const y: number = Math.floor(at / width) + dy
        const next: number = y * width + x
        if (x < 0 || y < 0 || x >= width || y >= height || mask[next] === 0 || numbers[next] !== 0) continue
        numbers[next] = count
        open.push(next)
      }
    }
  }
  return numbers
}

function distanceTo([x, y]: [number, number], [ax, ay]: [number, number], [bx, by]: [number, number]): number {
  const squared = (bx - ax) ** 2 + (by - ay) ** 2
  const along = squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared))
  return Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))
}
