import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import sharp from 'sharp'
import { payload, withComment } from '../../../bench/inference/payload.ts'

const PHOTO = join(import.meta.dirname, '..', '..', '..', 'samples', 'photo', 'coffee.jpg')

test('each picture sent has other bytes and the same pixels', async (t) => {
  const jpeg = await readFile(PHOTO)
  const next = payload({ json: { image: withComment(jpeg).toString('base64') }, unique: true })
  const sent = [7, 123_456_789_012].map((serial) => {
    const request = next(serial).toString('latin1')
    const { image } = JSON.parse(request.slice(request.indexOf('\r\n\r\n') + 4)) as { image: string }
    return Buffer.from(image, 'base64')
  })
  t.false(sent[0]?.equals(sent[1] ?? Buffer.alloc(0)))
  const [original, ...pixels] = await Promise.all([jpeg, ...sent].map((file) => sharp(file).raw().toBuffer()))
  for (const each of pixels) t.true(original?.equals(each))
})

test('a request that may be sent again is the same bytes each time', (t) => {
  const next = payload({ json: { data: [[1, 2]] }, unique: false })
  t.is(next(1), next(2))
})
