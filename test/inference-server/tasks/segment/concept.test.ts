import { readFile, rm } from 'node:fs/promises'
import test from 'ava'
import type { CocoRle } from '../../../../inference-server/formats/rle.ts'
import { VISUAL_TOKENS } from '../../../../inference-server/tasks/sam/sam3.ts'
import { modelDirectory, overlap, PICTURES } from '../../fixtures/sam.ts'
import { realApp, SAM_LITE } from '../../fixtures/world.ts'

const MODELS = ['sam3_image_encoder.onnx', 'sam3_language_encoder.onnx', 'sam3_decoder.onnx']
const { answers, visual } = JSON.parse(
  await readFile(new URL('../../fixtures/sam3/expected.json', import.meta.url), 'utf8'),
) as { answers: { request: object; masks: CocoRle[]; scores: number[] }[]; visual: number[] }

const directory = await modelDirectory('sam3', [...MODELS, 'merges.txt', 'vocab.json'])
const server = realApp(directory, { requests: 100 })
test.before(() => server.load())
test.after.always(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

type Answer = {
  area: number
  bounding_box: number[] | null
  confidence_score: number
  masks: { confidence_score: number; rle: CocoRle }[]
}

const ask = (fields: object, by = server) =>
  by.http.inject({
    method: 'POST',
    url: '/invocations',
    payload: { task: 'segment', image: PICTURES.coffee.toString('base64'), ...fields },
  })

const refused = test.macro(async (t, fields: object, message: RegExp) => {
  const response = await ask(fields)
  t.is(response.statusCode, 422)
  t.is(response.json().error.code, 'InvalidPrompt')
  t.regex(response.json().error.message, message)
})

test('a text that is too long is refused', refused, { text: 'cup '.repeat(40) }, /has 40 tokens; SAM 3 takes 30/)
test('several concepts at a time are refused', refused, { prompts: [{ points: [[1, 1]] }] }, /one concept at a time/)
test('alternatives are refused', refused, { text: 'cup', alternatives: true }, /no alternatives/)
test('an example outside the picture is refused', refused, { text: 'cup', points: [[600, 1]] }, /lies outside/)
test('no text and no example are refused', refused, {}, /Nothing is prompted/)
test(
  'more examples than the decoder has places for are refused',
  refused,
  { points: Array.from({ length: 5 }, () => [1, 1]) },
  /takes 4 boxes and points; 5/,
)

for (const { request, masks, scores } of answers) {
  test(`${JSON.stringify(request)} gives the instances that samexporter's SegmentAnything3ONNX does`, async (t) => {
    const response = await ask({ ...request, rle: true })
    t.is(response.statusCode, 200, response.body.slice(0, 300))
    const answer = response.json<Answer>()
    t.is(answer.masks.length, masks.length)
    for (const [at, mask] of masks.entries()) {
      const found = answer.masks[at]
      const iou = found ? overlap(found.rle, mask) : 0
      t.true(iou >= 0.995, `instance ${at}: IoU ${iou}`)
      t.true(Math.abs((found?.confidence_score ?? 0) - (scores[at] ?? 0)) < 0.001)
    }
    t.is(answer.confidence_score, Math.min(...answer.masks.map(({ confidence_score }) => confidence_score)))
  })
}

test('the tokens that are known without a vocabulary are those of samexporter', (t) => {
  t.deepEqual(VISUAL_TOKENS, visual)
})

test('where nothing reaches the score, the mask is empty', async (t) => {
  const response = await ask({ text: 'a cup of coffee', min_score: 1 })
  t.is(response.statusCode, 200, response.body.slice(0, 300))
  t.like(response.json<Answer>(), { area: 0, bounding_box: null, confidence_score: 0, masks: [] })
})

test('without a vocabulary, examples are understood and text is not', async (t) => {
  const without = await modelDirectory('sam3', MODELS)
  const server = realApp(without)
  t.teardown(async () => {
    await server.close()
    await rm(without, { recursive: true })
  })
  await server.load()
  t.is((await ask({ box: [150, 60, 470, 345], min_score: 0.1 }, server)).statusCode, 200)
  const response = await ask({ text: 'a cup' }, server)
  t.is(response.statusCode, 422)
  t.regex(response.json().error.message, /takes no text: there is no tokenizer\.json/)
})

test('a SAM that knows no text says so', async (t) => {
  const server = realApp(SAM_LITE)
  t.teardown(() => server.close())
  await server.load()
  const response = await ask({ text: 'a cup' }, server)
  t.is(response.statusCode, 422)
  t.regex(response.json().error.message, /SAM 3, which is not among the models/)
})
