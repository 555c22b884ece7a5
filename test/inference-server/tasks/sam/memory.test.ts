import test from 'ava'
import sharp from 'sharp'
import { photo, realApp } from '../../fixtures/world.ts'

const EMBEDDING_BYTES = 256 * 64 * 64 * 4
const PICTURES = 6

test('pictures whose embeddings use the same memory one after the other get the masks that they get alone', async (t) => {
  const whole = sharp(await photo())
  const pictures = await Promise.all(
    Array.from({ length: PICTURES }, (_, at) =>
      whole
        .clone()
        .extract({ left: 20 * at, top: 10 * at, width: 400, height: 300 })
        .png()
        .toBuffer(),
    ),
  )
  const request = (image: Buffer) => ({
    method: 'POST' as const,
    url: '/invocations',
    payload: { task: 'segment', image: image.toString('base64'), points: [[200, 150]] },
  })
  const roomy = realApp(undefined, { requests: 32, cacheBytes: 2 * PICTURES * EMBEDDING_BYTES })
  const narrow = realApp(undefined, { requests: 32, cacheBytes: EMBEDDING_BYTES })
  await Promise.all([roomy.load(), narrow.load()])
  const alone: unknown[] = []
  for (const picture of pictures) alone.push((await roomy.http.inject(request(picture))).json())
  t.is(new Set(alone.map((answer) => JSON.stringify(answer))).size, PICTURES)
  const twice = [...pictures, ...pictures]
  const together = await Promise.all(twice.map((picture) => narrow.http.inject(request(picture))))
  t.deepEqual(
    together.map((response) => response.json()),
    [...alone, ...alone],
  )
  await Promise.all([roomy.close(), narrow.close()])
})
