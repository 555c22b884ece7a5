import test from 'ava'
import sharp from 'sharp'
import { readPly } from '../fixtures/ply.ts'
import { sample } from '../fixtures/samples.ts'
import { realApp } from '../fixtures/world.ts'

const server = realApp(sample('depth-lite'), { requests: 1000 })
test.before(() => server.load())
test.after.always(() => server.close())

const [WIDTH, HEIGHT] = [240, 160]

/** Deterministic noise of 0-255. */
function noise(): Buffer {
  let state = 1
  return Buffer.from(
    Uint8Array.from({ length: WIDTH * HEIGHT }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return state >>> 24
    }),
  )
}

const textured = () => sharp(noise(), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).blur(0.8)

/** The mean distance of the points in each quarter of the view: left and right of the middle, above and below it. */
async function distances(picture: Buffer) {
  const answer = await server.http.inject({
    method: 'POST',
    url: '/invocations?task=generate_3d&representation=points&num_points=10000&quality=draft',
    headers: { 'content-type': 'image/png', accept: 'application/x-ply' },
    payload: picture,
  })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  const { x = [], y = [], z = [] } = readPly(answer.rawPayload).columns
  const mean = (inside: (i: number) => boolean) => {
    const kept = z.filter((_, i) => inside(i))
    return kept.reduce((sum, value) => sum + value, 0) / kept.length
  }
  return {
    left: mean((i) => (x[i] ?? 0) < 0),
    right: mean((i) => (x[i] ?? 0) > 0),
    above: mean((i) => (y[i] ?? 0) < 0),
    below: mean((i) => (y[i] ?? 0) > 0),
  }
}

test('what stands lower in the picture is nearer', async (t) => {
  const { above, below, left, right } = await distances(await textured().png().toBuffer())
  t.true(above > 1.4 * below, `${above}, ${below}`)
  t.true(Math.abs(left / right - 1) < 0.1, `${left}, ${right}`)
})

test('what is sharp is nearer than what is blurred', async (t) => {
  const sharpHalf = { left: 0, top: 0, width: WIDTH / 2, height: HEIGHT }
  const half = await sharp(await textured().png().toBuffer())
    .extract(sharpHalf)
    .png()
    .toBuffer()
  const picture = await sharp(await textured().blur(4).normalise().png().toBuffer())
    .composite([{ input: half, left: 0, top: 0 }])
    .png()
    .toBuffer()
  const { left, right } = await distances(picture)
  t.true(right > 1.1 * left, `${left}, ${right}`)
})
