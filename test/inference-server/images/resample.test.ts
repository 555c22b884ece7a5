import { readFile } from 'node:fs/promises'
import test from 'ava'
import type { Resize } from '../../../inference-server/images/decode.ts'
import { resample, resampleTo } from '../../../inference-server/images/resample.ts'

type Encoded = { width: number; height: number; pixels: string }

const reference = JSON.parse(
  await readFile(new URL('../fixtures/resize/expected.json', import.meta.url), 'utf8'),
) as Encoded & { resized: (Encoded & { kernel: Resize['kernel'] })[] }

const decoded = ({ width, height, pixels }: Encoded) => ({
  width,
  height,
  data: new Uint8Array(Buffer.from(pixels, 'base64')),
})

for (const expected of reference.resized) {
  test(`${expected.kernel} at ${expected.width} x ${expected.height} is Pillow's to the last bit`, (t) => {
    t.deepEqual(resample(decoded(reference), expected, expected.kernel), decoded(expected))
  })
}

test('a crop is that part of the whole', (t) => {
  const image = decoded(reference)
  const whole = resample(image, { width: 40, height: 30 }, 'cubic')
  const crop = { left: 7, top: 4, width: 20, height: 11 }
  const part = resampleTo(image, { width: 40, height: 30, kernel: 'cubic', crop })
  t.is(part.data.length, 3 * 20 * 11)
  const pixel = (picture: typeof whole, x: number, y: number) =>
    Array.from(picture.data.subarray(3 * (y * picture.width + x), 3 * (y * picture.width + x) + 3))
  for (const [x, y] of [
    [0, 0],
    [19, 10],
    [5, 7],
  ] as const) {
    t.deepEqual(pixel(part, x, y), pixel(whole, x + crop.left, y + crop.top))
  }
})
