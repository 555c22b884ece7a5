import { readFile } from 'node:fs/promises'
import test from 'ava'
import { z } from 'zod'
import { gaussianPly, meshPly, pointPly } from '../../../inference-server/formats/ply.ts'

const fixture = (name: string) => readFile(new URL(`../fixtures/ply/${name}`, import.meta.url))

const Numbers = z.array(z.number())
const Values = z.object({
  gaussians: z.object({
    positions: Numbers,
    colours: Numbers,
    opacities: Numbers,
    scales: Numbers,
    rotations: Numbers,
  }),
  mesh: z.object({ positions: Numbers, normals: Numbers, colours: Numbers, triangles: Numbers }),
})

async function values() {
  const { gaussians, mesh } = Values.parse(JSON.parse(await fixture('values.json').then(String)))
  return {
    gaussians: {
      positions: Float32Array.from(gaussians.positions),
      colours: Float32Array.from(gaussians.colours),
      opacities: Float32Array.from(gaussians.opacities),
      scales: Float32Array.from(gaussians.scales),
      rotations: Float32Array.from(gaussians.rotations),
    },
    mesh: {
      positions: Float32Array.from(mesh.positions),
      normals: Float32Array.from(mesh.normals),
      colours: Uint8Array.from(mesh.colours),
      triangles: Uint32Array.from(mesh.triangles),
    },
  }
}

test('gaussians are written byte for byte as save_ply of 3D Gaussian Splatting writes them', async (t) => {
  const { gaussians } = await values()
  t.deepEqual(Buffer.from(gaussianPly(gaussians)), await fixture('gaussians.ply'))
})

test('points are written byte for byte as plyfile writes them', async (t) => {
  const { mesh } = await values()
  t.deepEqual(Buffer.from(pointPly(mesh)), await fixture('points.ply'))
})

test('a mesh is written byte for byte as plyfile writes it', async (t) => {
  const { mesh } = await values()
  t.deepEqual(Buffer.from(meshPly(mesh)), await fixture('mesh.ply'))
})

test('every gaussian takes 68 bytes after the header', (t) => {
  const size = (count: number) =>
    gaussianPly({
      positions: new Float32Array(count * 3),
      colours: new Float32Array(count * 3),
      opacities: new Float32Array(count),
      scales: new Float32Array(count * 3),
      rotations: new Float32Array(count * 4),
    }).byteLength
  t.is(size(9) - size(2), 7 * 68)
})
