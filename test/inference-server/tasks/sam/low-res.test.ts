import test from 'ava'
import * as ort from 'onnxruntime-node'
import { toNormalisedPlanes } from '../../../../inference-server/images/chw.ts'
import { decodePixels, readImageSize } from '../../../../inference-server/images/decode.ts'
import { plane } from '../../../../inference-server/tasks/sam/decoder.ts'
import { maskOf } from '../../../../inference-server/tasks/segment/work.ts'
import { PICTURES } from '../../fixtures/sam.ts'
import { SAM_LITE } from '../../fixtures/world.ts'

const FRAME = { side: 1024, fit: 'pad' } as const
const SIZES = [
  { width: 600, height: 400 },
  { width: 333, height: 1201 },
  { width: 1024, height: 1024 },
  { width: 1777, height: 31 },
]

function floats(tensor: ort.Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new TypeError('no float32 tensor')
  return tensor.data
}

async function embeddingBy(path: string): Promise<ort.Tensor> {
  const session = await ort.InferenceSession.create(path)
  const image = await decodePixels(PICTURES.drawing, {
    original: await readImageSize(PICTURES.drawing, 1e7),
    maxPixels: 1e7,
    resize: { width: 577, height: 1024, kernel: 'linear' },
  })
  const planes = new ort.Tensor(
    'float32',
    toNormalisedPlanes(image, 1024, 'imagenet', new Float32Array(3 * 1024 * 1024)),
    [1, 3, 1024, 1024],
  )
  const { image_embeddings } = await session.run({ input_image: planes })
  if (!image_embeddings) throw new TypeError('no embedding')
  return image_embeddings
}

/** A decoder's masks at the picture's own size, and what is made of its low resolution when it is told of a small picture. */
const equal = test.macro(async (t, encoder: string, path: string) => {
  const embedding = await embeddingBy(encoder)
  const session = await ort.InferenceSession.create(path)
  const decode = (size: readonly [number, number]) =>
    session.run({
      image_embeddings: embedding,
      point_coords: new ort.Tensor('float32', [205, 331, 0, 0], [1, 2, 2]),
      point_labels: new ort.Tensor('float32', [1, -1], [1, 2]),
      mask_input: new ort.Tensor('float32', new Float32Array(256 * 256), [1, 1, 256, 256]),
      has_mask_input: new ort.Tensor('float32', [0], [1]),
      orig_im_size: new ort.Tensor('float32', size, [2]),
    })
  const { low_res_masks } = await decode([64, 64])
  const scores = Array.from({ length: low_res_masks?.dims[1] ?? 0 }, () => 0)
  const low = { logits: floats(low_res_masks), size: { width: 256, height: 256 }, scores }
  let inside = 0
  for (const size of SIZES) {
    const { masks } = await decode([size.height, size.width])
    const pixels = size.width * size.height
    for (const at of scores.keys()) {
      const theirs = floats(masks).subarray(at * pixels, (at + 1) * pixels)
      const ours = maskOf({ ...low.size, data: plane(low, at) }, FRAME, size)
      let different = 0
      for (let i = 0; i < pixels; i++) if ((theirs[i] ?? 0) > 0 !== (ours.pixels[i] === 255)) different++
      inside += ours.area
      // Sums in another order differ in the last bit, which may be the sign of a value next to nothing.
      t.true(different <= pixels * 1e-4, `${different} of ${pixels} pixels differ at ${size.width} x ${size.height}`)
    }
  }
  t.true(inside > 0, 'empty masks would be equal whatever is done')
})

const fixture = (name: string) => new URL(`../../fixtures/sam1/${name}`, import.meta.url).pathname
test(
  "masks made of the low resolution are Meta's decoder's own",
  equal,
  fixture('encoder.onnx'),
  fixture('decoder.onnx'),
)
test('so are those of an export with a single mask', equal, fixture('encoder.onnx'), fixture('decoder-single.onnx'))
test("so are the sample's", equal, `${SAM_LITE}/encoder.onnx`, `${SAM_LITE}/decoder.onnx`)
