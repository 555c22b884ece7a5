import test from 'ava'
import type { CocoRle } from '../../../../inference-server/formats/rle.ts'
import { overlap, PICTURES, type Reference, references, samServer } from '../../fixtures/sam.ts'
import type { realApp } from '../../fixtures/world.ts'

/** Reached: 1.0000 where a picture is enlarged, 0.9991 where it is shrunk by libvips, 0.9980 for sam2, which resizes floats. */
const LEAST_OVERLAP = 0.997
/** Reached: 0.00006, which is how scores are rounded. It tells prompts apart whose masks hardly differ. */
const MOST_SCORE_DIFFERENCE = 0.0002

type Masks = { masks: { confidence_score: number; rle: CocoRle }[] }

/** The masks that a reference lists, asked for one after another: unambiguous (SAM 1 has a mask of its own for it), then all alternatives. */
async function ask(server: ReturnType<typeof realApp>, picture: Buffer, { prompt }: Reference['answers'][number]) {
  const answers: Masks['masks'] = []
  for (const multimask of [false, true]) {
    const response = await server.http.inject({
      method: 'POST',
      url: '/invocations',
      payload: {
        task: 'segment',
        image: picture.toString('base64'),
        ...prompt,
        multimask,
        alternatives: true,
        rle: true,
      },
    })
    if (response.statusCode !== 200) throw new Error(response.body)
    answers.push(...response.json<Masks>().masks)
  }
  return answers
}

const likeTheReference = test.macro(async (t, family: string, files: string[], own: number) => {
  const server = await samServer(t, family, files)
  for (const { picture, answers } of await references(family)) {
    for (const answer of answers) {
      const masks = await ask(server, PICTURES[picture], answer)
      const compared = own === 1 ? masks : masks.slice(0, own)
      t.is(compared.length, answer.masks.length)
      for (const [at, expected] of answer.masks.entries()) {
        const mask = compared[at]
        const iou = mask ? overlap(mask.rle, expected) : 0
        const what = `${picture}, ${JSON.stringify(answer.prompt)}, mask ${at}`
        t.true(iou >= LEAST_OVERLAP, `${what}: IoU ${iou}`)
        const difference = Math.abs((mask?.confidence_score ?? 0) - (answer.scores[at] ?? 0))
        t.true(difference <= MOST_SCORE_DIFFERENCE, `${what}: score differs by ${difference}`)
      }
    }
  }
})

test(
  "SAM 1's masks are those of segment-anything's SamPredictor",
  likeTheReference,
  'sam1',
  ['encoder.onnx', 'decoder.onnx'],
  1,
)
test(
  'so they are with the encoder that normalises and pads inside',
  likeTheReference,
  'sam1',
  ['encoder-preprocess.onnx', 'decoder.onnx'],
  1,
)
test(
  "SAM 2's masks are those of sam2's SAM2ImagePredictor",
  likeTheReference,
  'sam2',
  ['encoder.onnx', 'decoder.onnx'],
  3,
)
test(
  "transformers' SAM 1 gives the masks of SamModel and SamProcessor",
  likeTheReference,
  'sam-hf',
  ['vision_encoder.onnx', 'prompt_encoder_mask_decoder.onnx'],
  3,
)
test(
  "transformers' SAM 2 gives the masks of Sam2Model and Sam2Processor",
  likeTheReference,
  'sam2-hf',
  ['vision_encoder.onnx', 'prompt_encoder_mask_decoder.onnx'],
  3,
)
