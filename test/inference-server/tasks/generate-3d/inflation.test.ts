import test from 'ava'
import { body, inflated } from '../../../../inference-server/tasks/generate-3d/inflation.ts'

const GRID = { width: 131, height: 121 }

function drawn(within: (x: number, y: number) => boolean, { width, height } = GRID): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, node) =>
    within((node % width) - (width - 1) / 2, Math.floor(node / width) - (height - 1) / 2) ? 1 : 0,
  )
}

const disc = (radius: number) => drawn((x, y) => Math.hypot(x, y) < radius)
const ring = drawn((x, y) => Math.hypot(x, y) < 50 && Math.hypot(x, y) > 25)

function volume({ positions, triangles }: { positions: Float32Array; triangles: Uint32Array }): number {
  let sum = 0
  const at = (point: number, axis: number) => positions[point * 3 + axis] ?? 0
  for (let t = 0; t < triangles.length; t += 3) {
    const [a = 0, b = 0, c = 0] = triangles.subarray(t, t + 3)
    sum +=
      at(a, 0) * (at(b, 1) * at(c, 2) - at(b, 2) * at(c, 1)) -
      at(a, 1) * (at(b, 0) * at(c, 2) - at(b, 2) * at(c, 0)) +
      at(a, 2) * (at(b, 0) * at(c, 1) - at(b, 1) * at(c, 0))
  }
  return sum / 6
}

/** Edges that do not have exactly one triangle on each side. */
function openEdges(triangles: Uint32Array): number {
  const seen = new Map<string, number>()
  for (let t = 0; t < triangles.length; t += 3) {
    for (let corner = 0; corner < 3; corner++) {
      const [from, to] = [triangles[t + corner], triangles[t + ((corner + 1) % 3)]]
      seen.set(`${from} ${to}`, (seen.get(`${from} ${to}`) ?? 0) + 1)
    }
  }
  return [...seen].filter(([edge, times]) => times !== 1 || seen.get(edge.split(' ').reverse().join(' ')) !== 1).length
}

function eulerCharacteristic({ positions, triangles }: { positions: Float32Array; triangles: Uint32Array }): number {
  return positions.length / 3 - triangles.length / 2 + triangles.length / 3
}

test('an empty mask has no body', (t) => {
  const empty = body(
    drawn(() => false),
    GRID,
    1,
  )
  t.deepEqual([empty.positions.length, empty.triangles.length], [0, 0])
})

test('a disc becomes a ball', (t) => {
  const half = inflated(disc(50), GRID)
  for (const [x, y] of [
    [0, 0],
    [20, 0],
    [0, -30],
    [28, 28],
  ] as const) {
    const expected = Math.sqrt(50 ** 2 - x ** 2 - y ** 2)
    const found = half[(y + 60) * GRID.width + x + 65] ?? 0
    t.true(Math.abs(found / expected - 1) < 0.02, `${found} at ${x}, ${y}, not ${expected}`)
  }
  t.is(half[0], 0)
})

test('a large disc becomes a ball too', (t) => {
  const large = { width: 401, height: 401 }
  const half = inflated(
    drawn((x, y) => Math.hypot(x, y) < 190, large),
    large,
  )
  for (const x of [0, 60, 120, 180]) {
    const expected = Math.sqrt(190 ** 2 - x ** 2)
    t.true(Math.abs((half[200 * 401 + 200 + x] ?? 0) - expected) < 0.02 * 190)
  }
})

test('the body is closed, faces outwards and has the volume of the ball', (t) => {
  const ball = body(disc(50), GRID, 0.5)
  t.is(openEdges(ball.triangles), 0)
  t.is(eulerCharacteristic(ball), 2)
  t.true(Math.abs(volume(ball) / ((4 / 3) * Math.PI * 25 ** 3) - 1) < 0.03, `${volume(ball)}`)
})

test('a triangle taken away leaves a body open: the measure can fail', (t) => {
  t.true(openEdges(body(disc(50), GRID, 1).triangles.subarray(3)) > 0)
})

test('a ring keeps its hole', (t) => {
  const torus = body(ring, GRID, 1)
  t.is(openEdges(torus.triangles), 0)
  t.is(eulerCharacteristic(torus), 0)
})

test('normals of a ball point away from its middle', (t) => {
  const { positions, normals } = body(disc(50), GRID, 1)
  let [worst, sum] = [1, 0]
  for (let i = 0; i < positions.length; i += 3) {
    const [x = 0, y = 0, z = 0] = positions.subarray(i, i + 3)
    const [nx = 0, ny = 0, nz = 0] = normals.subarray(i, i + 3)
    const cosine = (x * nx + y * ny + z * nz) / Math.hypot(x, y, z)
    worst = Math.min(worst, cosine)
    sum += cosine
  }
  // The worst are those of the rim, which follows the pixels.
  t.true(worst > 0.75, `${worst}`)
  t.true(sum / (positions.length / 3) > 0.99)
})
