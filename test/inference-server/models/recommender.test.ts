import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { motifs, pictureOf } from '../../../inference-server/models/pictures.ts'
import { realApp } from '../fixtures/world.ts'

const MODELS = fileURLToPath(new URL('../../../inference-server/models', import.meta.url))

type Answer = { recommendations: { id: string; score: number; metadata: Record<string, string> }[] }

test('pictures drawn elsewhere and smaller find items of their colour, and mostly of their shape', async (t) => {
  const server = realApp(join(MODELS, 'recommender'), { requests: 1000 })
  await server.load()
  const all = motifs()
  const asked = async (motif: (typeof all)[number], params: string): Promise<Answer> => {
    const response = await server.http.inject({
      method: 'POST',
      url: `/invocations?task=recommend${params}`,
      headers: { 'content-type': 'image/jpeg' },
      payload: await pictureOf(motif, { moved: [0.04, -0.03], scale: 0.7 }),
    })
    t.is(response.statusCode, 200)
    return response.json()
  }
  const answers: { motif: (typeof all)[number]; answer: Answer }[] = []
  for (const motif of all) answers.push({ motif, answer: await asked(motif, '&top_k=1') })
  const share = (field: 'colour' | 'shape') =>
    answers.filter(({ motif, answer }) => answer.recommendations[0]?.metadata[field] === motif[field]).length /
    all.length
  t.true(share('colour') >= 0.97, `colour ${share('colour')}`)
  t.true(share('shape') >= 0.75, `shape ${share('shape')}`)

  const [motif] = all
  if (!motif) return t.fail('there are no motifs')
  const filter = encodeURIComponent(JSON.stringify({ colour: { not: motif.colour }, shape: motif.shape }))
  const { recommendations } = await asked(motif, `&top_k=5&filter=${filter}`)
  t.is(recommendations.length, 5)
  for (const { metadata } of recommendations) {
    t.is(metadata.shape, motif.shape)
    t.not(metadata.colour, motif.colour)
  }
  await server.close()
})

test('the sample’s encoder is clip-lite', async (t) => {
  const of = (model: string) => readFile(join(MODELS, model, 'vision_model.onnx'))
  t.deepEqual(await of('recommender'), await of('clip-lite'))
})
