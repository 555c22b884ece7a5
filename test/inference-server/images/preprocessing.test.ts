import { readFile } from 'node:fs/promises'
import test from 'ava'
import { z } from 'zod'
import { Failure } from '../../../inference-server/core/errors.ts'
import {
  centred,
  IMAGENET,
  type Preprocessing,
  resizedSize,
  toInterleaved,
  toPlanes,
} from '../../../inference-server/images/preprocessing.ts'
import {
  parsePreprocessorConfig,
  readPreprocessorConfig,
} from '../../../inference-server/images/preprocessor-config.ts'

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname
const ANY = Number.MAX_SAFE_INTEGER
const Pair = z.tuple([z.number(), z.number()])
const Rows = z.array(z.object({ size: Pair, shortestEdge224: Pair, multiples518: Pair }))

test('a picture so long and thin that it would fill the memory is refused', (t) => {
  const refused = () => resizedSize({ width: 1_000_000, height: 2 }, { to: 'shortest-edge', length: 224 }, 50_000_000)
  const failure = t.throws(refused, { instanceOf: Failure })
  t.is(failure.code, 'ImageTooLarge')
})

test('a configuration that is not understood is refused in words, not guessed', (t) => {
  const config = { size: { height: 224, width: 224 }, resample: 3 }
  t.throws(() => parsePreprocessorConfig({ ...config, resample: 0 }), { message: /resample is 0/ })
  t.throws(() => parsePreprocessorConfig({ ...config, do_resize: false }), { message: /do_resize is false/ })
  t.throws(() => parsePreprocessorConfig({ ...config, do_pad: true }), { message: /do_pad is true/ })
  t.throws(() => parsePreprocessorConfig({ ...config, crop_pct: 0.9 }), { message: /crop_pct/ })
  t.throws(() => parsePreprocessorConfig({ ...config, size: { longest_edge: 800 } }), { message: /size/ })
  t.throws(() => parsePreprocessorConfig({ size: 196, do_center_crop: true, crop_size: 224 }), { message: /larger/ })
  t.throws(() => parsePreprocessorConfig([]), { message: /expected object/ })
})

test('a damaged file is named', async (t) => {
  const path = fixture('ply/mesh.ply')
  await t.throwsAsync(readPreprocessorConfig(path), { message: new RegExp(`${path} is not understood`) })
  t.is(await readPreprocessorConfig(fixture('nothing.json')), undefined)
})

test('pictures of all sizes are resized to the sizes that transformers gives them', async (t) => {
  const rows = Rows.parse(JSON.parse(await readFile(fixture('sizes.json'), 'utf8')))
  t.true(rows.length > 60)
  for (const { size, shortestEdge224, multiples518 } of rows) {
    const [width, height] = size
    const short = resizedSize({ width, height }, { to: 'shortest-edge', length: 224 }, ANY)
    t.deepEqual([short.width, short.height], shortestEdge224, `${size}`)
    const near = resizedSize({ width, height }, { to: 'multiples', width: 518, height: 518, of: 14 }, ANY)
    // transformers rounds very thin pictures to a side of zero, with which no model can be run.
    t.deepEqual(
      [near.width, near.height],
      multiples518.map((side) => Math.max(side, 14)),
      `${size}`,
    )
  }
})

test("transformers' configurations of CLIP and Depth Anything are read as they were written", async (t) => {
  t.deepEqual(await readPreprocessorConfig(fixture('clip/preprocessor_config.json')), {
    fit: { to: 'shortest-edge', length: 224 },
    crop: { width: 224, height: 224 },
    kernel: 'cubic',
    scale: 1 / 255,
    mean: [0.48145466, 0.4578275, 0.40821073],
    deviation: [0.26862954, 0.26130258, 0.27577711],
  })
  t.deepEqual(await readPreprocessorConfig(fixture('depth/preprocessor_config.json')), {
    fit: { to: 'multiples', width: 98, height: 98, of: 14 },
    kernel: 'cubic',
    scale: 1 / 255,
    ...IMAGENET,
  })
})

test('one number for the size is the shortest edge before a crop, and both sides without one', (t) => {
  t.deepEqual(parsePreprocessorConfig({ size: 224, do_center_crop: true, crop_size: 196 }), {
    fit: { to: 'shortest-edge', length: 224 },
    crop: { width: 196, height: 196 },
    kernel: 'linear',
    scale: 1 / 255,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
  })
  t.deepEqual(parsePreprocessorConfig({ size: 384 }).fit, { to: 'size', width: 384, height: 384 })
})

test('the crop lies in the middle, an odd pixel to the right and below', (t) => {
  t.deepEqual(centred({ width: 337, height: 224 }, { width: 224, height: 224 }), { left: 56, top: 0 })
})

test('planes are separated, scaled and normalised', (t) => {
  const preprocessing: Preprocessing = {
    fit: { to: 'size', width: 2, height: 1 },
    kernel: 'linear',
    scale: 1 / 255,
    mean: [0, 0.5, 1],
    deviation: [1, 0.5, 2],
  }
  const planes = toPlanes({ width: 2, height: 1, data: Uint8Array.from([255, 0, 255, 0, 255, 0]) }, preprocessing)
  t.deepEqual([...planes], [1, 0, -1, 1, 0, -0.5])
})

test('interleaved models get the same values, pixel by pixel', (t) => {
  const preprocessing: Preprocessing = {
    ...IMAGENET,
    fit: { to: 'size', width: 3, height: 1 },
    kernel: 'linear',
    scale: 1 / 255,
  }
  const image = { width: 3, height: 1, data: Uint8Array.from([1, 2, 3, 40, 50, 60, 255, 0, 128]) }
  const [planes, interleaved] = [toPlanes(image, preprocessing), toInterleaved(image, preprocessing)]
  t.deepEqual(
    [...interleaved],
    [0, 1, 2].flatMap((pixel) => [0, 1, 2].map((channel) => planes[channel * 3 + pixel] ?? Number.NaN)),
  )
})
