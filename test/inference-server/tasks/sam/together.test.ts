import test from 'ava'
import type { CocoRle } from '../../../../inference-server/formats/rle.ts'
import { overlap, PICTURES, samServer } from '../../fixtures/sam.ts'

type Mask = { confidence_score: number; rle: CocoRle }

/** Of different lengths, so that they go through the decoder in several runs, and some of them together. */
const PROMPTS = [
  { points: [[305, 205]] },
  { box: [150, 60, 470, 345] },
  {
    points: [
      [60, 350],
      [300, 200],
    ],
    labels: [1, 0],
  },
  { points: [[60, 350]] },
  { points: [[300, 200]], box: [150, 60, 470, 345] },
]

const alike = test.macro(async (t, family: string, files: string[]) => {
  const server = await samServer(t, family, files)
  const ask = async <Answer>(fields: object): Promise<Answer> => {
    const payload = { task: 'segment', image: PICTURES.coffee.toString('base64'), rle: true, ...fields }
    const response = await server.http.inject({ method: 'POST', url: '/invocations', payload })
    if (response.statusCode !== 200) throw new Error(response.body)
    return response.json<Answer>()
  }
  const { masks } = await ask<{ masks: Mask[] }>({ prompts: PROMPTS })
  const alone = await Promise.all(PROMPTS.map((prompt) => ask<Mask>(prompt)))
  t.is(masks.length, PROMPTS.length)
  for (const [at, mask] of masks.entries()) {
    const other = alone[at]
    const iou = other ? overlap(mask.rle, other.rle) : 0
    t.true(iou > 0.999, `prompt ${at}: IoU ${iou}`)
    t.true(Math.abs(mask.confidence_score - (other?.confidence_score ?? 0)) <= 0.0002)
  }
  t.true(new Set(masks.map(({ confidence_score }) => confidence_score)).size > 1, 'prompts make a difference')
})

test('SAM 2 decodes several prompts in one run as it does each alone', alike, 'sam2', ['encoder.onnx', 'decoder.onnx'])
test("so does transformers' SAM 2", alike, 'sam2-hf', ['vision_encoder.onnx', 'prompt_encoder_mask_decoder.onnx'])
