import test from 'ava'
import type { Mesh } from '../../../inference-server/formats/geometry.ts'
import { glb } from '../../../inference-server/formats/glb.ts'
import { validateGlb } from '../fixtures/gltf.ts'

/** A square of two triangles that faces the camera, in camera coordinates. */
const square = (): Mesh => ({
  positions: Float32Array.from([0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1]),
  normals: Float32Array.from([0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1]),
  colours: Uint8Array.from([255, 255, 255, 0, 0, 0, 188, 188, 188, 255, 0, 0]),
  triangles: Uint32Array.from([0, 1, 2, 2, 1, 3]),
})

function read(file: Uint8Array) {
  const view = new DataView(file.buffer)
  const length = view.getUint32(12, true)
  const document = JSON.parse(new TextDecoder().decode(file.subarray(20, 20 + length)))
  const start = (accessor: number) => 28 + length + document.bufferViews[accessor].byteOffset
  return {
    length: view.getUint32(8, true),
    document,
    vector: (accessor: number, index: number) =>
      [0, 1, 2].map((axis) => view.getFloat32(start(accessor) + (index * 3 + axis) * 4, true)),
    colour: (index: number) =>
      [0, 1, 2, 3].map((channel) => view.getUint16(start(2) + (index * 4 + channel) * 2, true)),
  }
}

test('the validator refuses an index that reaches outside: it can fail', async (t) => {
  const report = await validateGlb(glb({ ...square(), triangles: Uint32Array.from([0, 1, 9]) }))
  t.true(report.issues.numErrors > 0)
})

test('a mesh is valid glTF without a warning', async (t) => {
  const report = await validateGlb(glb(square()))
  t.deepEqual(report.issues.messages, [])
  t.deepEqual(report.info, { totalVertexCount: 4, totalTriangleCount: 2 })
})

test('points are valid glTF without a warning', async (t) => {
  const { positions, normals, colours } = square()
  const report = await validateGlb(glb({ positions, normals, colours }))
  t.deepEqual(report.issues.messages, [])
  t.deepEqual(report.info, { totalVertexCount: 4, totalTriangleCount: 0 })
})

test('the file says its own length', (t) => {
  const file = glb(square())
  t.is(read(file).length, file.byteLength)
})

test('camera coordinates are turned into those of glTF, normals with them', (t) => {
  const file = read(glb(square()))
  t.deepEqual(file.vector(0, 3), [1, -1, -1])
  t.deepEqual(
    file.vector(1, 3).map((value) => value + 0),
    [0, 0, 1],
  )
})

test('colours become linear: sRGB 188 is half the light', (t) => {
  const file = read(glb(square()))
  t.deepEqual(file.colour(0), [65535, 65535, 65535, 65535])
  t.deepEqual(file.colour(3), [65535, 0, 0, 65535])
  t.true(Math.abs((file.colour(2)[0] ?? 0) / 65535 - 0.5) < 0.005)
})
