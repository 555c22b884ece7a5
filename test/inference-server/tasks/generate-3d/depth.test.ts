import test from 'ava'
import { distances, focalLength, unproject } from '../../../../inference-server/tasks/generate-3d/depth.ts'
import { normalsOf, trianglesOf } from '../../../../inference-server/tasks/generate-3d/sheet.ts'

const GRID = { width: 30, height: 20 }
const NODES = GRID.width * GRID.height
const CAMERA = { grid: GRID, original: { width: 600, height: 400 }, fovDegrees: 60 }
const everywhere = () => new Uint8Array(NODES).fill(1)
const plane = (distance: (x: number, y: number) => number) =>
  Float32Array.from({ length: NODES }, (_, node) => distance(node % GRID.width, Math.floor(node / GRID.width)))

test('depths that are no numbers give no points', (t) => {
  const depth = Float32Array.of(Number.NaN, Infinity, 0, 1)
  t.deepEqual([...distances(depth, 'inverse', 4)].map(Number.isFinite), [false, false, true, true])
  t.deepEqual([...distances(Float32Array.of(-1, 0, Infinity, 2), 'metric', 4)].map(Number.isFinite), [
    false,
    false,
    false,
    true,
  ])
  const surface = unproject(
    plane((x) => (x < 10 ? Number.NaN : 2)),
    everywhere(),
    CAMERA,
  )
  t.is(surface.positions.length / 3, 20 * 20)
})

test('inverse depth puts the nearest at 1 and the farthest at the ratio', (t) => {
  const found = distances(Float32Array.of(10, 20, 30), 'inverse', 4)
  t.is(found[0], 4)
  t.is(found[2], 1)
  // In the middle of the values lies the middle of the inverse distances, (1 + 1/4) / 2.
  t.true(Math.abs((found[1] ?? 0) - 1.6) < 1e-6)
})

test('one depth everywhere is a plane', (t) => {
  t.deepEqual([...distances(Float32Array.of(7, 7, 7), 'inverse', 4)], [1, 1, 1])
})

test('metres stay metres', (t) => {
  t.deepEqual([...distances(Float32Array.of(0.5, 20), 'metric', 4)], [0.5, 20])
})

test('every point is seen by the camera at its node', (t) => {
  const { positions } = unproject(
    plane((x, y) => 1 + x * 0.1 + y * 0.05),
    everywhere(),
    CAMERA,
  )
  // The camera's matrix, in pixels: 60° over the longest side.
  const focal = 300 / Math.tan(Math.PI / 6)
  for (let node = 0; node < NODES; node++) {
    const [x = 0, y = 0, z = 0] = positions.subarray(node * 3, node * 3 + 3)
    const u = (x / z) * focal + 300
    const v = (y / z) * focal + 200
    t.true(Math.abs(u - ((node % 30) + 0.5) * 20) < 1e-3 && Math.abs(v - (Math.floor(node / 30) + 0.5) * 20) < 1e-3)
  }
  t.true(Math.abs(focalLength(90) - 0.5) < 1e-12)
})

test('only what is inside the mask has points', (t) => {
  const inside = everywhere().map((_, node) => (node % GRID.width < 5 ? 1 : 0))
  t.is(
    unproject(
      plane(() => 1),
      inside,
      CAMERA,
    ).positions.length / 3,
    5 * 20,
  )
})

test('a plane before the camera has normals towards it and two triangles for each square, counter-clockwise', (t) => {
  const surface = unproject(
    plane(() => 2),
    everywhere(),
    CAMERA,
  )
  const normals = normalsOf(surface)
  for (let i = 0; i < normals.length; i += 3)
    t.deepEqual(
      [...normals.subarray(i, i + 3)].map((n) => n + 0),
      [0, 0, -1],
    )
  const triangles = trianglesOf(surface)
  t.is(triangles.length / 3, 2 * 29 * 19)
  const coordinate = (index = 0, axis = 0) => surface.positions[index * 3 + axis] ?? 0
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = triangles.subarray(i, i + 3)
    const [bx, by] = [coordinate(b) - coordinate(a), coordinate(b, 1) - coordinate(a, 1)]
    const [cx, cy] = [coordinate(c) - coordinate(a), coordinate(c, 1) - coordinate(a, 1)]
    t.true(bx * cy - by * cx < 0)
  }
})

test('near and far are not joined over the gap between them', (t) => {
  const surface = unproject(
    plane((x) => (x < 15 ? 1 : 3)),
    everywhere(),
    CAMERA,
  )
  t.is(trianglesOf(surface).length / 3, 2 * (14 + 14) * 19)
  const normals = normalsOf(surface)
  for (let i = 2; i < normals.length; i += 3) t.is(normals[i], -1)
})
