import test from 'ava'
import { evaluate, intersectionOverUnion, photoScene } from '../../../inference-server/models/evaluate.ts'
import { generatedScenes } from '../../../inference-server/models/scenes.ts'
import { realApp } from '../fixtures/world.ts'

test('the models find the known object in every generated scene and in the photograph', async (t) => {
  const server = realApp()
  await server.load()
  const scores = await evaluate(server.http, [...(await generatedScenes()), await photoScene()])
  await server.close()
  t.is(scores.length, 8)
  for (const { name, iou } of scores) t.true(iou > (name.startsWith('photograph') ? 0.8 : 0.85), `${name}: ${iou}`)
})

test('a mask that is wrong gets a low score: the measure can fail', async (t) => {
  const { mask } = await photoScene()
  t.is(intersectionOverUnion(mask.pixels, mask.pixels), 1)
  t.is(intersectionOverUnion(new Uint8Array(mask.pixels.length), mask.pixels), 0)
  t.true(intersectionOverUnion(new Uint8Array(mask.pixels.length).fill(255), mask.pixels) < 0.1)
})
