import test from 'ava'
import { unproject } from '../../../../inference-server/tasks/generate-3d/depth.ts'
import { normalsOf, trianglesOf } from '../../../../inference-server/tasks/generate-3d/sheet.ts'
import { type Surface, spacingOf, withoutStrays } from '../../../../inference-server/tasks/generate-3d/surface.ts'

const GRID = { width: 12, height: 10 }
const NODES = GRID.width * GRID.height

function surfaceOf(distance: (x: number, y: number) => number): Surface {
  const values = Float32Array.from({ length: NODES }, (_, i) => distance(i % GRID.width, Math.floor(i / GRID.width)))
  const sheet = unproject(values, new Uint8Array(NODES).fill(1), { grid: GRID, original: GRID, fovDegrees: 60 })
  const normals = normalsOf(sheet)
  return {
    positions: sheet.positions,
    normals,
    triangles: trianglesOf(sheet),
    colours: Uint8Array.from({ length: sheet.positions.length }, (_, i) => i % 256),
    spacing: spacingOf(sheet.positions, normals, 0.1),
  }
}

test('a column between near and far, which belongs to neither, is left out', (t) => {
  const whole = surfaceOf((x) => (x < 5 ? 1 : x === 5 ? 20 : 400))
  const { positions, colours, triangles, spacing } = withoutStrays(whole)
  t.is(positions.length / 3, NODES - GRID.height)
  t.is(spacing.length, positions.length / 3)
  t.false([...positions].some((value, i) => i % 3 === 2 && value === 20))
  // The points kept have kept their colours and their triangles.
  for (let i = 0; i < triangles.length; i++) {
    const [before = 0, after = 0] = [whole.triangles[i], triangles[i]]
    t.is(positions[after * 3], whole.positions[before * 3])
    t.is(colours[after * 3 + 1], whole.colours[before * 3 + 1])
  }
})

test('points without any triangle are kept: there is nothing else', (t) => {
  const scattered = surfaceOf((x, y) => ((x + y) % 2 === 0 ? 1 : 100))
  t.is(scattered.triangles.length, 0)
  t.is(withoutStrays(scattered), scattered)
})

test('points of a surface seen at a flat angle lie farther apart', (t) => {
  const facing = surfaceOf(() => 2).spacing
  t.true(Math.abs((facing[(GRID.width * GRID.height) / 2 + GRID.width / 2] ?? 0) - 0.2) < 0.01)
  const slanted = surfaceOf((x) => 2 + x * 0.3).spacing
  t.true((slanted[30] ?? 0) > 1.3 * (facing[30] ?? 0))
})
