import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import sharp from 'sharp'
import { z } from 'zod'
import { readNpy } from '../../../inference-server/formats/npy.ts'
import { resizeBilinear } from '../../../inference-server/images/mask.ts'
import { distances } from '../../../inference-server/tasks/generate-3d/depth.ts'
import { validateGlb } from '../fixtures/gltf.ts'
import { readPly } from '../fixtures/ply.ts'
import { photo, realApp, SAM_LITE } from '../fixtures/world.ts'

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname
const GLB = 'model/gltf-binary'
const PLY = 'application/x-ply'

const Answer = z.object({
  model_3d: z.string(),
  method: z.string(),
  fallback: z.boolean(),
  note: z.string().optional(),
  representation: z.string(),
  format: z.string(),
  num_points: z.number(),
  num_faces: z.number().optional(),
  units: z.string(),
  model: z.string().nullable(),
})

async function serving(t: ExecutionContext, directory: string) {
  const server = realApp(directory)
  t.teardown(() => server.close())
  await server.load()
  const image = (await photo()).toString('base64')
  const send = (payload: object, headers: Record<string, string> = {}) =>
    server.http.inject({
      method: 'POST',
      url: '/invocations',
      payload: { task: 'generate_3d', image, ...payload },
      headers,
    })
  return {
    send,
    async made(payload: object) {
      const answer = await send(payload)
      if (answer.statusCode !== 200) throw new Error(answer.body)
      const fields = Answer.parse(answer.json())
      return { ...fields, file: Uint8Array.from(Buffer.from(fields.model_3d, 'base64')) }
    },
  }
}

/** A mask of the photograph's size with a disc of 100 pixels around the cup. */
const disc = async (radius = 100) => {
  const svg = `<svg width="600" height="400"><circle cx="285" cy="190" r="${radius}" fill="white"/></svg>`
  const drawn = sharp({ create: { width: 600, height: 400, channels: 3, background: '#000' } })
  return (
    await drawn
      .composite([{ input: Buffer.from(svg) }])
      .png()
      .toBuffer()
  ).toString('base64')
}

async function referenceDepth() {
  const { data, dims } = readNpy(await readFile(fixture('depth/predicted_depth.npy')))
  const [height = 0, width = 0] = dims
  return { width, height, data: Float32Array.from(data, Number) }
}

test('without a model of 3D shape a mask is needed', async (t) => {
  const { send } = await serving(t, SAM_LITE)
  const answer = await send({})
  t.is(answer.statusCode, 422)
  t.regex(answer.json().error.message, /a "mask" is needed/)
})

test('a method without its model, a mesh of gaussians and masks that do not fit are refused', async (t) => {
  const { send } = await serving(t, fixture('gaussians'))
  const refused = async (payload: object, message: RegExp) => {
    const answer = await send(payload)
    t.is(answer.statusCode, 422, answer.body)
    t.regex(answer.json().error.message, message)
  }
  await refused({ method: 'depth' }, /no model for the method depth/)
  await refused({ representation: 'mesh' }, /no mesh/)
  await refused({ num_points: 500_001 }, /malformed/)
  await refused({ fov_degrees: 180 }, /malformed/)
  const black = await sharp({ create: { width: 600, height: 400, channels: 3, background: '#000' } })
    .png()
    .toBuffer()
  await refused({ mask: black.toString('base64') }, /The mask is empty/)
  const small = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#fff' } })
    .png()
    .toBuffer()
  await refused({ mask: small.toString('base64') }, /The mask has 60 x 40 pixels, the upright image 600 x 400/)
})

test('a server without SAM and without models of shape does not offer the task', async (t) => {
  const { send } = await serving(t, fixture('clip'))
  t.is((await send({})).statusCode, 400)
})

test('a picture so long and thin that it would make a huge input for the model is refused', async (t) => {
  const { send } = await serving(t, fixture('depth'))
  const long = await sharp({ create: { width: 20_000, height: 90, channels: 3, background: '#888' } })
    .png()
    .toBuffer()
  const answer = await send({ image: long.toString('base64') })
  t.is(answer.statusCode, 413)
  t.regex(answer.json().error.message, /too long and thin/)
})

test('a mask is inflated to a body, and the answer says that no model saw its depth', async (t) => {
  const { made } = await serving(t, SAM_LITE)
  const answer = await made({ mask: await disc(), representation: 'mesh', num_points: 5000 })
  t.like(answer, { method: 'inflation', fallback: true, representation: 'mesh', units: 'object', model: null })
  t.regex(answer.note ?? '', /No model saw depth/)
  const { columns, faces } = readPly(answer.file)
  t.is(columns.x?.length ?? 0, answer.num_points)
  t.is(faces.length, answer.num_faces ?? 0)
  t.true(answer.num_points > 4500 && answer.num_points <= 5000, `${answer.num_points}`)
  // A disc of diameter 1 becomes a ball: as deep as it is wide.
  const depth = Math.max(...(columns.z ?? [])) - Math.min(...(columns.z ?? []))
  t.true(Math.abs(depth - 1) < 0.05, `${depth}`)
})

test('a mask whose outside is transparent is the same mask', async (t) => {
  const { made } = await serving(t, SAM_LITE)
  const svg = '<svg width="600" height="400"><circle cx="285" cy="190" r="100" fill="white"/></svg>'
  const cutOut = await sharp(Buffer.from(svg)).png().toBuffer()
  t.true((await sharp(cutOut).metadata()).hasAlpha)
  const wanted = { representation: 'points', num_points: 3000 }
  const transparent = await made({ mask: cutOut.toString('base64'), ...wanted })
  t.deepEqual(transparent.file, (await made({ mask: await disc(), ...wanted })).file)
})

test('of a picture turned by EXIF the mask is that of the upright picture', async (t) => {
  const { send } = await serving(t, SAM_LITE)
  const lying = await sharp(await photo())
    .rotate(90)
    .withMetadata({ orientation: 8 })
    .jpeg()
    .toBuffer()
  const answer = await send({ image: lying.toString('base64'), mask: await disc(), num_points: 500 })
  t.is(answer.statusCode, 200, answer.body.slice(0, 200))
  t.deepEqual(answer.json().image_size, [600, 400])
})

test('the body is a valid, closed GLB too', async (t) => {
  const { send } = await serving(t, SAM_LITE)
  const answer = await send({ mask: await disc(), num_points: 5000 }, { accept: GLB })
  t.is(answer.headers['content-type'], GLB)
  t.is(Number(answer.headers['content-length']), answer.rawPayload.length)
  const report = await validateGlb(answer.rawPayload)
  t.deepEqual(report.issues.messages, [])
  // Euler's formula for a closed body without holes: 2 V - F = 4.
  const { totalVertexCount = 0, totalTriangleCount = 0 } = report.info ?? {}
  t.is(2 * totalVertexCount - totalTriangleCount, 4)
})

test('the gaussians of a model are saved within rounding as save_ply saves them, mask and all', async (t) => {
  const { made, send } = await serving(t, fixture('gaussians'))
  const half = await sharp({ create: { width: 600, height: 400, channels: 3, background: '#000' } })
    .composite([{ input: { create: { width: 300, height: 400, channels: 3, background: '#fff' } }, left: 0, top: 0 }])
    .png()
    .toBuffer()
  const mask = half.toString('base64')
  const answer = await made({ mask })
  t.like(answer, { method: 'gaussians', fallback: false, representation: 'gaussians', units: 'model', num_points: 256 })
  const reference = readPly(await readFile(fixture('gaussians/reference.ply')))
  const found = readPly(answer.file)
  t.deepEqual(found.elements, reference.elements)
  let largest = 0
  for (const [name, values] of Object.entries(reference.columns)) {
    for (const [i, value] of values.entries())
      largest = Math.max(largest, Math.abs((found.columns[name]?.[i] ?? 9) - value))
  }
  t.true(largest < 0.01, `${largest}`)
  // The mask matters: without it other gaussians come out.
  t.notDeepEqual((await made({})).file, answer.file)
  const fewer = readPly((await made({ mask, num_points: 40 })).file)
  t.is(fewer.columns.x?.length, 40)
  const weakest = Math.min(...(fewer.columns.opacity ?? []))
  t.is(found.columns.opacity?.filter((opacity) => opacity >= weakest).length, 40)
  const glb = await validateGlb((await send({ mask }, { accept: GLB })).rawPayload)
  t.deepEqual(glb.issues.messages, [])
  t.is(glb.info?.totalVertexCount, 256)
})

test("a depth model's map is transformers', and every point lies where the camera sees it", async (t) => {
  const { made } = await serving(t, fixture('depth'))
  const answer = await made({ representation: 'points', num_points: 98 * 147 })
  t.like(answer, { method: 'depth', fallback: false, units: 'relative', model: 'model.onnx' })
  const { columns } = readPly(answer.file)
  const map = await referenceDepth()
  // The picture's aspect ratio at the number of points asked for, where the model saw it in multiples of its patches.
  const grid = { width: 147, height: 98 }
  const expected = distances(resizeBilinear(map, grid).data, 'inverse', 4)
  const { x = [], y = [], z = [] } = columns
  t.is(z.length, answer.num_points)
  // The steps of random depth are steep; what lies in them belongs to no surface.
  t.true(z.length > 0.7 * expected.length, `${z.length}`)
  // 55° over the longest side, 600 pixels.
  const focal = 300 / Math.tan((27.5 * Math.PI) / 180)
  let [worst, sum] = [0, 0]
  for (const [i, distance] of z.entries()) {
    const across = ((((x[i] ?? 0) / distance) * focal + 300) * grid.width) / 600 - 0.5
    const down = ((((y[i] ?? 0) / distance) * focal + 200) * grid.height) / 400 - 0.5
    const [column, row] = [Math.round(across), Math.round(down)]
    t.true(Math.abs(across - column) < 1e-2 && Math.abs(down - row) < 1e-2)
    const deviation = Math.abs(distance / (expected[row * grid.width + column] ?? 0) - 1)
    worst = Math.max(worst, deviation)
    sum += deviation
  }
  // Random weights magnify the half grey level in which libvips and Pillow differ.
  t.true(sum / z.length < 0.005 && worst < 0.1, `${sum / z.length}, ${worst}`)
})

test('of a masked picture only what is inside comes, as splats of 68 bytes in the picture’s colours', async (t) => {
  const { made, send } = await serving(t, fixture('depth'))
  const mask = await disc(60)
  const answer = await made({ mask, num_points: 2000 })
  t.is(answer.representation, 'gaussians')
  t.true(answer.num_points <= 2000 && answer.num_points > 1500, `${answer.num_points}`)
  const { columns, elements } = readPly(answer.file)
  t.is(elements[0]?.properties.length, 17)
  for (let i = 0; i < answer.num_points; i++) {
    const focal = 300 / Math.tan((27.5 * Math.PI) / 180)
    const [x = 0, y = 0, z = 1] = [columns.x?.[i], columns.y?.[i], columns.z?.[i]]
    t.true(Math.hypot((x / z) * focal + 300 - 285, (y / z) * focal + 200 - 190) < 63)
  }
  const raw = await send({ mask, num_points: 2000 }, { accept: PLY })
  t.deepEqual(new Uint8Array(raw.rawPayload), answer.file)
  const glb = await validateGlb((await send({ mask, num_points: 2000 }, { accept: GLB })).rawPayload)
  t.deepEqual(glb.issues.messages, [])
  t.true((glb.info?.totalTriangleCount ?? 0) > 0)
})

test('of a mask of one pixel comes one point, or the smallest body', async (t) => {
  const dot = await sharp({ create: { width: 600, height: 400, channels: 3, background: '#000' } })
    .composite([{ input: { create: { width: 1, height: 1, channels: 3, background: '#fff' } }, left: 599, top: 0 }])
    .png()
    .toBuffer()
  const mask = dot.toString('base64')
  const { made, send } = await serving(t, fixture('depth'))
  t.is((await made({ mask, num_points: 16 })).num_points, 1)
  const mesh = await validateGlb((await send({ mask, num_points: 16 }, { accept: GLB })).rawPayload)
  t.deepEqual(mesh.issues.messages, [])
  const body = await made({ mask, num_points: 16, method: 'inflation', representation: 'mesh' })
  t.like(body, { num_points: 8, num_faces: 12, fallback: true })
})

test('a metric model keeps its metres, as transformers’ config.json or ours says', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'metric-'))
  t.teardown(() => rm(directory, { recursive: true }))
  await cp(fixture('depth'), join(directory, 'depth'), { recursive: true })
  await writeFile(join(directory, 'depth', 'config.json'), JSON.stringify({ depth_estimation_type: 'metric' }))
  const { made } = await serving(t, directory)
  const answer = await made({ representation: 'points' })
  t.is(answer.units, 'metres')
  const highest = Math.max(...(await referenceDepth()).data)
  const { columns } = readPly(answer.file)
  t.true(Math.min(...(columns.z ?? [])) > 0)
  t.true(Math.abs(Math.max(...(columns.z ?? [])) / highest - 1) < 0.05)
})
