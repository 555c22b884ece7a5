import test from 'ava'
import fc from 'fast-check'
import sharp from 'sharp'
import { decodeRle } from '../../../../inference-server/formats/rle.ts'
import { type Device, device } from '../../../../inference-server/runtime/device.ts'
import { photo, realApp, SAM_LITE } from '../../fixtures/world.ts'

/** Counts the runs of each model. */
const runs = new Map<string, number>()
const inner = device({
  provider: 'cpu',
  workers: 1,
  threads: 1,
  maxBatch: 8,
  batchDelayMs: 0,
  now: () => performance.now(),
})
const counting: Device = {
  ...inner,
  run(model, ...rest) {
    runs.set(model.file, (runs.get(model.file) ?? 0) + 1)
    return inner.run(model, ...rest)
  },
}
const server = realApp(SAM_LITE, { requests: 1000 }, { device: counting })
const picture = await photo()
test.before(() => server.load())
test.after.always(() => server.close())

type Mask = {
  confidence_score: number
  area: number
  bounding_box: number[] | null
  rle?: { size: [number, number]; counts: string }
  polygons?: [number, number][][][]
  polygons_omitted?: number
}
type Answer = Mask & { task: string; mask: string; mask_size: [number, number]; masks?: (Mask & { prompt: number })[] }

const ask = (fields: object, image = picture) =>
  server.http.inject({
    method: 'POST',
    url: '/invocations',
    payload: { task: 'segment', image: image.toString('base64'), ...fields },
  })
const answer = async (fields: object, image = picture): Promise<Answer> => {
  const response = await ask(fields, image)
  if (response.statusCode !== 200) throw new Error(response.body)
  return response.json<Answer>()
}
const pixelsOf = async ({ mask }: Answer) =>
  new Uint8Array(await sharp(Buffer.from(mask, 'base64')).raw().toColourspace('b-w').toBuffer())

const CUP = { points: [[285, 160]] }
const TABLE = { points: [[60, 350]] }
const BOXED = { box: [150, 60, 470, 345] }

const refused = test.macro(async (t, fields: object, message: RegExp) => {
  const response = await ask(fields)
  t.is(response.statusCode, 422)
  t.is(response.json().error.code, 'InvalidPrompt')
  t.regex(response.json().error.message, message)
})

test(
  'prompts and a prompt beside them are refused: it is unclear which is meant',
  refused,
  { ...CUP, prompts: [CUP] },
  /either "prompts"/,
)
test(
  'alternatives of several prompts are refused',
  refused,
  { prompts: [CUP, TABLE], alternatives: true },
  /of one prompt; 2/,
)
test(
  'a point outside is named with its prompt',
  refused,
  { prompts: [CUP, { points: [[700, 1]] }] },
  /prompts\[1\]: points\[0\] lies outside/,
)
test('a prompt of nothing is named', refused, { prompts: [CUP, { points: [] }] }, /prompts\[1\]: Nothing is prompted/)

test('more prompts than one run may take are refused', async (t) => {
  const response = await ask({ prompts: Array.from({ length: 65 }, () => CUP) })
  t.is(response.statusCode, 422)
  t.is(response.json().error.code, 'InvalidParameters')
})

test('several prompts give each the mask that it gives alone, and the PNG is their union', async (t) => {
  const prompts = [CUP, BOXED, TABLE]
  const together = await answer({ prompts, rle: true })
  const alone = await Promise.all(prompts.map((prompt) => answer({ ...prompt, rle: true })))
  t.deepEqual(
    together.masks?.map(({ prompt: _, ...mask }) => mask),
    alone.map(({ task: _, mask: __, mask_size: ___, ...mask }) => mask),
  )
  t.deepEqual(
    together.masks?.map(({ prompt }) => prompt),
    [0, 1, 2],
  )
  const each = alone.flatMap(({ rle }) => (rle ? [decodeRle(rle)] : []))
  const union = (each[0] ?? new Uint8Array()).map((_, at) => (each.some((pixels) => pixels[at]) ? 255 : 0))
  t.deepEqual(await pixelsOf(together), new Uint8Array(union))
  t.is(
    together.area,
    union.reduce((sum, value) => sum + (value ? 1 : 0), 0),
  )
  t.is(together.confidence_score, Math.min(...alone.map(({ confidence_score }) => confidence_score)))
})

test('alternatives are all that the prompt may mean, the best of them being the answer', async (t) => {
  const { masks = [], ...best } = await answer({ ...CUP, alternatives: true, rle: true })
  t.is(masks.length, 3)
  t.is(best.confidence_score, Math.max(...masks.map(({ confidence_score }) => confidence_score)))
  t.true(masks.some(({ rle }) => rle?.counts === best.rle?.counts))
  t.is((await answer({ ...CUP, multimask: false, alternatives: true })).masks?.length, 1)
})

test('run lengths are those of the PNG', async (t) => {
  const answered = await answer({ ...CUP, rle: true })
  if (!answered.rle) return t.fail('there are no run lengths')
  t.deepEqual(decodeRle(answered.rle), await pixelsOf(answered))
  t.deepEqual(answered.rle.size, [400, 600])
})

test('exact polygons have as much area as the mask, and nothing is told that was not asked for', async (t) => {
  const { polygons = [], area, polygons_omitted, rle } = await answer({ ...CUP, polygons: true, polygon_epsilon: 0 })
  t.is(rle, undefined)
  t.is(polygons_omitted, 0)
  // Holes run the other way around, so that their areas count against their outline's.
  const shoelace = (ring: [number, number][]) =>
    ring.reduce((sum, [x, y], at) => {
      const [nextX, nextY] = ring[(at + 1) % ring.length] ?? [0, 0]
      return sum + x * nextY - nextX * y
    }, 0) / 2
  t.is(
    polygons.flat().reduce((sum, ring) => sum + shoelace(ring), 0),
    area,
  )
  t.false('polygons' in (await answer(CUP)))
})

test('further prompts on a picture run the decoder only', async (t) => {
  const another = Buffer.concat([picture, Buffer.from('another')])
  const before = runs.get('encoder.onnx') ?? 0
  await answer(CUP, another)
  const first = runs.get('encoder.onnx') ?? 0
  t.true(first > before)
  // Other tests ask of the other file, whose embedding is kept long before or made once.
  const decoded = runs.get('decoder.onnx') ?? 0
  await answer(TABLE, another)
  await answer({ prompts: [CUP, BOXED] }, another)
  t.true((runs.get('decoder.onnx') ?? 0) >= decoded + 3)
  t.true((runs.get('encoder.onnx') ?? 0) <= first + 1)
})

test('whatever prompts are given, the server answers or says what is wrong with them', async (t) => {
  const number = fc.oneof(fc.integer({ min: -5, max: 700 }), fc.double({ noNaN: true, min: -1e9, max: 1e9 }))
  const prompt = fc.record(
    {
      points: fc.array(fc.tuple(number, number), { maxLength: 4 }),
      labels: fc.array(fc.constantFrom(0, 1), { maxLength: 4 }),
      box: fc.tuple(number, number, number, number),
      multimask: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(prompt, fc.boolean(), async (fields, many) => {
      const { statusCode, body } = await ask(many ? { prompts: [fields] } : fields)
      t.true(
        statusCode === 200 || statusCode === 422,
        `${statusCode} for ${JSON.stringify(fields)}: ${body.slice(0, 200)}`,
      )
    }),
    { numRuns: 40 },
  )
})
