import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import sharp from 'sharp'
import { z } from 'zod'
import { readNpy } from '../../../inference-server/formats/npy.ts'
import { photo, realApp, SAM_LITE } from '../fixtures/world.ts'

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname
const reference = async (name: string) => JSON.parse(await readFile(fixture(name), 'utf8')) as unknown

const Answer = z.object({
  embedding: z.union([z.array(z.number()), z.string()]),
  shape: z.array(z.number()),
  dtype: z.string(),
  normalized: z.boolean(),
  embedding_size_mb: z.number(),
  image_size: z.tuple([z.number(), z.number()]),
  model: z.string(),
  family: z.string(),
})

async function serving(t: ExecutionContext, directory: string) {
  const server = realApp(directory)
  t.teardown(() => server.close())
  await server.load()
  const send = async (payload: object, headers: Record<string, string> = {}) =>
    server.http.inject({
      method: 'POST',
      url: '/invocations',
      payload: { task: 'get_embedding', image: (await photo()).toString('base64'), ...payload },
      headers,
    })
  return { ...server, send, embed: async (payload: object = {}) => Answer.parse((await send(payload)).json()) }
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += (a[i] ?? 0) * (b[i] ?? 0)
    aa += (a[i] ?? 0) ** 2
    bb += (b[i] ?? 0) ** 2
  }
  return dot / Math.sqrt(aa * bb)
}

const numbers = (embedding: string | number[]): number[] => {
  if (typeof embedding === 'string') throw new TypeError('the embedding is base64')
  return embedding
}

test('an encoder that is not loaded is refused, and those that are get named', async (t) => {
  const server = await serving(t, fixture('clip'))
  const answer = await server.send({ encoder: 'sam' })
  t.is(answer.statusCode, 422)
  t.deepEqual(answer.json().error.details, ['encoder: clip'])
})

test("SAM's embedding is refused as JSON numbers: they would not fit through a real-time endpoint", async (t) => {
  const server = await serving(t, SAM_LITE)
  const answer = await server.send({ encoding_format: 'float' })
  t.is(answer.statusCode, 422)
  t.regex(answer.json().error.message, /at most 65536 are given as numbers/)
})

test("CLIP's embedding of a photograph is transformers', and its mirror image's too", async (t) => {
  const server = await serving(t, fixture('clip'))
  const expected = z
    .object({ image_embeds: z.array(z.number()), mirrored: z.array(z.number()) })
    .parse(await reference('clip/reference.json'))
  const made = await server.embed()
  t.true(cosine(numbers(made.embedding), expected.image_embeds) > 0.9999)
  const flopped = await sharp(await photo())
    .flop()
    .png()
    .toBuffer()
  const mirrored = await server.embed({ image: flopped.toString('base64') })
  t.true(cosine(numbers(mirrored.embedding), expected.mirrored) > 0.9999)
  // The measure can fail: the two pictures differ in nothing but their sides.
  t.true(cosine(numbers(made.embedding), numbers(mirrored.embedding)) < 0.9)
  t.like(made, {
    shape: [512],
    dtype: 'float32',
    normalized: true,
    family: 'CLIP',
    model: 'vision_model.onnx',
    image_size: [600, 400],
  })
  t.true(Math.abs(Math.hypot(...numbers(made.embedding)) - 1) < 1e-6)
})

test('a model of half precision, inputs and outputs included, gives nearly the same', async (t) => {
  const server = await serving(t, fixture('clip-fp16'))
  const { image_embeds } = z.object({ image_embeds: z.array(z.number()) }).parse(await reference('clip/reference.json'))
  const made = await server.embed()
  t.like(made, { family: 'CLIP', dtype: 'float32' })
  t.true(cosine(numbers(made.embedding), image_embeds) > 0.999, `${cosine(numbers(made.embedding), image_embeds)}`)
})

test('pictures that share a run get the embeddings that each gets alone', async (t) => {
  const server = await serving(t, fixture('clip'))
  const turned = await Promise.all(
    [0, 90, 180, 270].map(async (angle) => {
      const bytes = await sharp(await photo())
        .rotate(angle)
        .png()
        .toBuffer()
      return bytes.toString('base64')
    }),
  )
  const alone: number[][] = []
  for (const image of turned) alone.push(numbers((await server.embed({ image })).embedding))
  const together = await Promise.all(turned.map(async (image) => numbers((await server.embed({ image })).embedding)))
  for (const [i, embedding] of together.entries()) t.true(cosine(embedding, alone[i] ?? []) > 0.999999)
  t.true(cosine(alone[0] ?? [], alone[1] ?? []) < 0.99)
})

test('without normalising, the embedding has the length that the model gives it', async (t) => {
  const server = await serving(t, fixture('clip'))
  const expected = z.object({ image_embeds: z.array(z.number()) }).parse(await reference('clip/reference.json'))
  const { embedding, normalized } = await server.embed({ normalize: false })
  t.false(normalized)
  t.true(Math.abs(Math.hypot(...numbers(embedding)) / Math.hypot(...expected.image_embeds) - 1) < 1e-3)
})

test("another encoder's features are timm's", async (t) => {
  const server = await serving(t, fixture('encoder'))
  const { features } = z.object({ features: z.array(z.number()) }).parse(await reference('encoder/reference.json'))
  const { embedding, family } = await server.embed()
  t.is(family, 'image encoder')
  t.true(cosine(numbers(embedding), features) > 0.9999, `${cosine(numbers(embedding), features)}`)
})

test('NumPy, raw bytes, base64 and half precision hold the same values', async (t) => {
  const server = await serving(t, fixture('clip'))
  const plain = numbers((await server.embed()).embedding)
  const npy = await server.send({}, { accept: 'application/x-npy' })
  t.is(npy.headers['content-type'], 'application/x-npy')
  const array = readNpy(npy.rawPayload)
  t.deepEqual(array.dims, [512])
  t.deepEqual(Array.from(array.data, Number), plain)
  const raw = await server.send({ dtype: 'float16' }, { accept: 'application/octet-stream' })
  t.is(raw.rawPayload.length, 1024)
  t.true(cosine(new Float16Array(Uint8Array.from(raw.rawPayload).buffer), plain) > 0.999999)
  const base64 = await server.embed({ encoding_format: 'base64' })
  const bytes = Uint8Array.from(Buffer.from(String(base64.embedding), 'base64'))
  t.deepEqual([...new Float32Array(bytes.buffer)], plain)
})

test("SAM's embedding is a map in base64, and in half precision half as large", async (t) => {
  const server = await serving(t, SAM_LITE)
  const full = await server.embed()
  t.like(full, { shape: [1, 256, 64, 64], embedding_size_mb: 4, normalized: false, family: 'SAM 1', dtype: 'float32' })
  t.is(Buffer.from(String(full.embedding), 'base64').length, 4 * 1024 * 1024)
  const half = await server.embed({ dtype: 'float16' })
  t.is(half.embedding_size_mb, 2)
  t.is(Buffer.from(String(half.embedding), 'base64').length, 2 * 1024 * 1024)
})
