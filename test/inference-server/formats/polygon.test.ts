import test from 'ava'
import fc from 'fast-check'
import { type Polygon, polygonsOf, type Ring } from '../../../inference-server/formats/polygon.ts'

const LIMITS = { parts: 1000, corners: 10_000 }
const EXACT = { epsilon: 0, limits: LIMITS }

/** A mask by rows of characters, # being inside. */
function drawn(...rows: string[]) {
  const size = { width: rows[0]?.length ?? 0, height: rows.length }
  return { size, pixels: Uint8Array.from(rows.join(''), (character) => (character === '#' ? 255 : 0)) }
}

function area(ring: Ring): number {
  return (
    ring.reduce((sum, [x, y], at) => {
      const [nextX, nextY] = ring[(at + 1) % ring.length] ?? [0, 0]
      return sum + x * nextY - nextX * y
    }, 0) / 2
  )
}

const pixelsIn = (polygon: Polygon) => polygon.reduce((sum, ring) => sum + area(ring), 0)

test('an empty mask has no polygon', (t) => {
  const { pixels, size } = drawn('...', '...')
  t.deepEqual(polygonsOf(pixels, size, EXACT), { polygons: [], omitted: 0 })
})

test('more parts than the limit are left out, the smallest, and counted', (t) => {
  const { pixels, size } = drawn('#.##.###', '........')
  const { polygons, omitted } = polygonsOf(pixels, size, { epsilon: 0, limits: { ...LIMITS, parts: 2 } })
  t.deepEqual(polygons.map(pixelsIn), [3, 2])
  t.is(omitted, 1)
})

test('parts that would have more corners than are to be written are left out', (t) => {
  const { pixels, size } = drawn('#.##.###', '........')
  const { polygons, omitted } = polygonsOf(pixels, size, { epsilon: 0, limits: { ...LIMITS, corners: 11 } })
  t.deepEqual(polygons.map(pixelsIn), [3, 2])
  t.is(omitted, 1)
})

test('a polygon runs along the edges of pixels', (t) => {
  const { pixels, size } = drawn('....', '.##.', '.##.')
  const { polygons } = polygonsOf(pixels, size, EXACT)
  t.is(polygons.length, 1)
  const corners = polygons[0]?.[0]?.map(([x, y]) => `${x},${y}`).sort()
  t.deepEqual(corners, ['1,1', '1,3', '3,1', '3,3'])
})

test('a hole belongs to the part around it, also where that is an island in a hole', (t) => {
  const { pixels, size } = drawn(
    '#########',
    '#.......#',
    '#.#####.#',
    '#.#...#.#',
    '#.#.#.#.#',
    '#.#...#.#',
    '#.#####.#',
    '#.......#',
    '#########',
  )
  const { polygons } = polygonsOf(pixels, size, EXACT)
  t.deepEqual(
    polygons.map((polygon) => polygon.map((ring) => Math.abs(area(ring)))),
    [[81, 49], [25, 9], [1]],
  )
})

test('pixels that touch at a corner only are parts of their own', (t) => {
  const { pixels, size } = drawn('#.', '.#')
  t.deepEqual(polygonsOf(pixels, size, EXACT).polygons.map(pixelsIn), [1, 1])
})

test('a coarse polygon has fewer corners, and leaves out holes that vanish', (t) => {
  const size = { width: 100, height: 100 }
  const disc = Uint8Array.from({ length: 10_000 }, (_, at) =>
    ((at % 100) - 50) ** 2 + (Math.floor(at / 100) - 50) ** 2 < 40 ** 2 ? 255 : 0,
  )
  const exact = polygonsOf(disc, size, EXACT).polygons[0]?.[0] ?? []
  const coarse = polygonsOf(disc, size, { epsilon: 2, limits: LIMITS }).polygons[0]?.[0] ?? []
  t.true(coarse.length < exact.length / 4, `${coarse.length} of ${exact.length} corners`)
  t.true(Math.abs(area(coarse) - area(exact)) / area(exact) < 0.05)
})

test('whatever the mask, exact polygons have as much area as it has pixels', (t) => {
  const masks = fc
    .tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }))
    .chain(([width, height]) =>
      fc.tuple(
        fc.constant({ width, height }),
        fc.array(fc.constantFrom(0, 255, 255), { minLength: width * height, maxLength: width * height }),
      ),
    )
  fc.assert(
    fc.property(masks, ([size, values]) => {
      const { polygons, omitted } = polygonsOf(Uint8Array.from(values), size, EXACT)
      t.is(omitted, 0)
      t.is(
        polygons.reduce((sum, polygon) => sum + pixelsIn(polygon), 0),
        values.filter((value) => value > 0).length,
      )
      // A hole is part of exactly the polygon that surrounds it: no polygon can have a negative area.
      t.true(polygons.every((polygon) => pixelsIn(polygon) > 0))
    }),
    { numRuns: 300 },
  )
})
