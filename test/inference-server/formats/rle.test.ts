import { readFile } from 'node:fs/promises'
import test from 'ava'
import fc from 'fast-check'
import { type CocoRle, decodeRle, encodeRle } from '../../../inference-server/formats/rle.ts'
import { measure } from '../../../inference-server/images/mask.ts'

type Reference = { name: string; rle: CocoRle; bits: string }

const references = JSON.parse(
  await readFile(new URL('../fixtures/coco/masks.json', import.meta.url), 'utf8'),
) as Reference[]

function pixelsOf({ rle: { size }, bits }: Reference): Uint8Array {
  const bytes = Buffer.from(bits, 'base64')
  return Uint8Array.from({ length: size[0] * size[1] }, (_, at) =>
    (bytes[at >> 3] ?? 0) & (0x80 >> (at & 7)) ? 255 : 0,
  )
}

test('runs that do not fill the mask exactly are refused', (t) => {
  t.throws(() => decodeRle({ size: [2, 2], counts: '3' }), { instanceOf: RangeError, message: /fill 3 of 4/ })
  t.throws(() => decodeRle({ size: [2, 2], counts: '5' }), { instanceOf: RangeError, message: /leaves the mask/ })
})

for (const reference of references) {
  test(`pycocotools' string for the mask "${reference.name}" is written and read`, (t) => {
    const [height, width] = reference.rle.size
    const pixels = pixelsOf(reference)
    t.deepEqual(encodeRle(pixels, { width, height }), reference.rle)
    t.deepEqual(decodeRle(reference.rle), pixels)
  })
}

test('the same comes out when only the box around the mask is looked at', (t) => {
  for (const reference of references) {
    const [height, width] = reference.rle.size
    const pixels = pixelsOf(reference)
    const { boundingBox } = measure(pixels, { width, height })
    t.deepEqual(encodeRle(pixels, { width, height }, boundingBox), reference.rle, reference.name)
  }
})

test('whatever the mask, it comes back', (t) => {
  const masks = fc
    .tuple(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 20 }))
    .chain(([width, height]) =>
      fc.tuple(
        fc.constant({ width, height }),
        fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }),
      ),
    )
  fc.assert(
    fc.property(masks, ([size, pixels]) => {
      t.deepEqual(encodeRle(pixels, size, measure(pixels, size).boundingBox), encodeRle(pixels, size))
      t.deepEqual(
        decodeRle(encodeRle(pixels, size)),
        pixels.map((value) => value * 255),
      )
    }),
    { numRuns: 200 },
  )
  t.pass()
})
