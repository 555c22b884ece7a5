import test from 'ava'
import fc from 'fast-check'
import { type Gaussians, SH_C0 } from '../../../../inference-server/formats/geometry.ts'
import { pointsOf, splats, strongest, turnOfZ } from '../../../../inference-server/tasks/generate-3d/splats.ts'

const gaussians = (count: number, opacity: (i: number) => number): Gaussians => ({
  positions: Float32Array.from({ length: count * 3 }, (_, i) => i),
  colours: new Float32Array(count * 3),
  opacities: Float32Array.from({ length: count }, (_, i) => opacity(i)),
  scales: new Float32Array(count * 3),
  rotations: Float32Array.from({ length: count * 4 }, (_, i) => (i % 4 === 0 ? 1 : 0)),
})

/** v turned by a quaternion, by Hamilton's product: q v q*. */
function turned([w, x, y, z]: readonly number[], v: readonly [number, number, number]): number[] {
  const product = (a: readonly number[], b: readonly number[]) => {
    const [aw = 0, ax = 0, ay = 0, az = 0] = a
    const [bw = 0, bx = 0, by = 0, bz = 0] = b
    return [
      aw * bw - ax * bx - ay * by - az * bz,
      aw * bx + ax * bw + ay * bz - az * by,
      aw * by - ax * bz + ay * bw + az * bx,
      aw * bz + ax * by - ay * bx + az * bw,
    ]
  }
  const q = [w ?? 0, x ?? 0, y ?? 0, z ?? 0]
  return product(product(q, [0, ...v]), [q[0] ?? 0, -(q[1] ?? 0), -(q[2] ?? 0), -(q[3] ?? 0)]).slice(1)
}

test('gaussians that are not finite are dropped: viewers refuse the whole file for one', (t) => {
  const broken = gaussians(4, () => 0)
  broken.positions[3] = Number.NaN
  broken.scales[8] = Infinity
  const kept = strongest(broken, 10)
  t.deepEqual([...kept.positions], [0, 1, 2, 9, 10, 11])
})

test('the most opaque are kept, in their order', (t) => {
  const kept = strongest(
    gaussians(5, (i) => [1, 5, 2, 5, 3][i] ?? 0),
    3,
  )
  t.deepEqual([...kept.opacities], [5, 5, 3])
  t.deepEqual([...kept.positions.subarray(0, 3)], [3, 4, 5])
})

test('the rotation takes the z axis onto any normal', (t) => {
  const unit = fc
    .tuple(fc.double({ min: 0, max: Math.PI }), fc.double({ min: 0, max: 2 * Math.PI }))
    .filter((angles) => angles.every(Number.isFinite))
    .map(([a, b]) => [Math.sin(a) * Math.cos(b), Math.sin(a) * Math.sin(b), Math.cos(a)] as const)
  fc.assert(
    fc.property(unit, ([x, y, z]) => {
      const quaternion = turnOfZ(x, y, z)
      const [tx = 0, ty = 0, tz = 0] = turned(quaternion, [0, 0, 1])
      return Math.hypot(tx - x, ty - y, tz - z) < 1e-3 && Math.abs(Math.hypot(...quaternion) - 1) < 1e-9
    }),
  )
  t.deepEqual(turned(turnOfZ(0, 0, -1), [0, 0, 1]), [0, 0, -1])
})

test('a surface becomes flat splats of its colours, and the points on them are the surface again', (t) => {
  const surface = {
    positions: Float32Array.from([0, 0, 2, 1, 1, 3]),
    normals: Float32Array.from([0, 0, -1, 0.6, 0, -0.8]),
    colours: Uint8Array.from([255, 0, 128, 1, 2, 3]),
    spacing: Float32Array.from([0.1, 0.2]),
  }
  const made = splats(surface)
  t.is(made.colours[0], Math.fround(0.5 / SH_C0))
  const [across = 0, , through = 0] = made.scales
  t.true(Math.abs(Math.exp(across) - 0.06) < 1e-6 && Math.abs(Math.exp(through) - 0.006) < 1e-6)
  const points = pointsOf(made)
  t.deepEqual([...points.colours], [...surface.colours])
  for (const [i, value] of points.normals.entries()) t.true(Math.abs(value - (surface.normals[i] ?? 0)) < 1e-6)
})
