import test from 'ava'
import * as ort from 'onnxruntime-node'
import { decodeImage } from '../../../inference-server/images/decode.ts'
import { threshold } from '../../../inference-server/images/mask.ts'
import { intersectionOverUnion } from '../../../inference-server/models/evaluate.ts'
import { generatedScenes } from '../../../inference-server/models/scenes.ts'
import { loadModels } from '../../../inference-server/runtime/models.ts'
import { chooseMask, decoderPoints, encoderInput, FRAME, upsample } from '../../../inference-server/runtime/sam1.ts'
import { SAM_LITE } from '../fixtures/world.ts'

function floats(tensor: ort.Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new TypeError('no float32 tensor')
  return tensor.data
}

test('a prompt without a box ends with one padding point, in the frame of 1024', (t) => {
  const { coords, labels } = decoderPoints(
    { points: [[300, 200]], labels: [1], multimask: true },
    { width: 600, height: 400 },
  )
  t.deepEqual(Array.from(labels), [1, -1])
  // ResizeLongestSide makes 1024 x 683 of 600 x 400.
  t.deepEqual(Array.from(coords), [512, Math.fround(200 * (683 / 400)), 0, 0])
})

test('a box gives two points labelled 2 and 3 and no padding', (t) => {
  const { coords, labels } = decoderPoints(
    { points: [[1, 1]], labels: [0], box: [10, 20, 30, 40], multimask: false },
    { width: 1024, height: 1024 },
  )
  t.deepEqual(Array.from(labels), [0, 2, 3])
  t.deepEqual(Array.from(coords), [1, 1, 10, 20, 30, 40])
})

test('of four masks, the first serves clear prompts and the best predicted of the others ambiguous ones', (t) => {
  t.is(chooseMask([0.99, 0.2, 0.7, 0.5], false), 0)
  t.is(chooseMask([0.99, 0.2, 0.7, 0.5], true), 2)
})

test('a decoder with a single mask gives that mask', (t) => {
  t.is(chooseMask([0.9], true), 0)
})

test("masks made from the decoder's low resolution are its own full-size masks, whatever size it was told", async (t) => {
  const { encoder, decoder } = await loadModels(ort, SAM_LITE, 1)
  for (const { name, jpeg, prompt } of (await generatedScenes()).slice(0, 3)) {
    const { original, scaled } = await decodeImage(jpeg, { maxPixels: 1e7, longestSide: FRAME })
    const image = encoderInput(encoder.kind, scaled)
    const { image_embeddings } = await encoder.session.run({
      input_image: new ort.Tensor('float32', image.data, image.dims),
    })
    const { coords, labels } = decoderPoints(
      { points: prompt.points ?? [], labels: prompt.labels ?? [1], box: prompt.box, multimask: true },
      original,
    )
    const decode = (size: readonly [number, number]) =>
      decoder.session.run({
        image_embeddings: image_embeddings as ort.Tensor,
        point_coords: new ort.Tensor('float32', coords, [1, labels.length, 2]),
        point_labels: new ort.Tensor('float32', labels, [1, labels.length]),
        mask_input: new ort.Tensor('float32', new Float32Array(256 * 256), [1, 1, 256, 256]),
        has_mask_input: new ort.Tensor('float32', [0], [1]),
        orig_im_size: new ort.Tensor('float32', size, [2]),
      })
    const full = await decode([original.height, original.width])
    const small = await decode([64, 64])
    t.deepEqual(full.masks?.dims, [1, 4, original.height, original.width], name)
    for (let mask = 0; mask < 4; mask++) {
      const pixels = original.width * original.height
      const theirs = floats(full.masks).subarray(mask * pixels, (mask + 1) * pixels)
      const lowRes = floats(small.low_res_masks).subarray(mask * 65_536, (mask + 1) * 65_536)
      const iou = intersectionOverUnion(
        threshold(upsample(lowRes, original)).pixels,
        threshold({ ...original, data: theirs }).pixels,
      )
      t.true(iou >= 0.99, `${name}, mask ${mask}: IoU ${iou}`)
    }
  }
})

test('a mask given as input draws the result toward it', async (t) => {
  const { decoder } = await loadModels(ort, SAM_LITE, 1)
  const flat = new ort.Tensor('float32', new Float32Array(256 * 64 * 64), [1, 256, 64, 64])
  const leftHalf = Float32Array.from({ length: 65_536 }, (_, at) => (at % 256 < 128 ? 10 : -10))
  const area = async (given: 0 | 1) => {
    const { low_res_masks } = await decoder.session.run({
      image_embeddings: flat,
      point_coords: new ort.Tensor('float32', [100, 500, 0, 0], [1, 2, 2]),
      point_labels: new ort.Tensor('float32', [1, -1], [1, 2]),
      mask_input: new ort.Tensor('float32', leftHalf, [1, 1, 256, 256]),
      has_mask_input: new ort.Tensor('float32', [given], [1]),
      orig_im_size: new ort.Tensor('float32', [64, 64], [2]),
    })
    const strict = floats(low_res_masks).subarray(65_536, 2 * 65_536)
    return threshold({ width: 256, height: 256, data: strict })
  }
  t.is((await area(0)).area, 65_536, 'a flat picture is one thing')
  const drawn = await area(1)
  t.true(drawn.area > 30_000 && drawn.area < 36_000, `${drawn.area} pixels`)
})
