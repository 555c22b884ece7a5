import test from 'ava'
import fc from 'fast-check'
import { boxOf, gridFor, type Mask, resampled } from '../../../../inference-server/tasks/generate-3d/grid.ts'

const countOf = (inside: Uint8Array) => inside.reduce((sum, value) => sum + value, 0)

const maskOf = (width: number, height: number, inside: Uint8Array): Mask => ({
  width,
  height,
  inside,
  area: countOf(inside),
})

test('an empty mask has no bounding box', (t) => {
  t.is(boxOf(maskOf(3, 2, new Uint8Array(6))), undefined)
})

test('something is left of a mask thinner than the steps of the grid', (t) => {
  const inside = new Uint8Array(100 * 100)
  for (let y = 0; y < 100; y++) inside[y * 100] = 1
  t.deepEqual([...resampled(maskOf(100, 100, inside), { width: 2, height: 2 }).inside], [1, 0, 1, 0])
})

test('the bounding box ends after the last pixels inside', (t) => {
  t.deepEqual(boxOf(maskOf(3, 2, Uint8Array.of(0, 1, 0, 0, 1, 1))), [1, 0, 3, 2])
})

test('a grid never has more nodes inside than asked for, nor more than the picture has pixels', (t) => {
  const sides = fc.integer({ min: 1, max: 300 })
  fc.assert(
    fc.property(
      sides,
      sides,
      fc.integer({ min: 1, max: 20_000 }),
      fc.boolean(),
      fc.integer(),
      (width, height, points, masked, seed) => {
        const inside = Uint8Array.from({ length: width * height }, (_, i) => (((i * 31) ^ seed) % 7 < 3 ? 1 : 0))
        const drawn = maskOf(width, height, inside)
        const mask = masked && drawn.area > 0 ? drawn : undefined
        const grid = gridFor({ width, height }, mask, points, 4_000_000)
        const count = mask ? countOf(resampled(mask, grid).inside) : grid.width * grid.height
        return (count <= points || grid.width * grid.height === 1) && grid.width <= width && grid.height <= height
      },
    ),
    { numRuns: 60 },
  )
  t.pass()
})

test('a grid uses most of the points asked for', (t) => {
  const size = { width: 600, height: 400 }
  const inside = Uint8Array.from({ length: 240_000 }, (_, i) =>
    Math.hypot((i % 600) - 300, i / 600 - 200) < 100 ? 1 : 0,
  )
  const mask = maskOf(600, 400, inside)
  const grid = gridFor(size, mask, 5000, 4_000_000)
  const count = resampled(mask, grid).area
  t.true(count > 4800 && count <= 5000, `${count}`)
})
