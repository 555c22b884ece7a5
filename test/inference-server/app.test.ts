import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import sharp from 'sharp'
import { Lifetime } from '../../inference-server/core/lifetime.ts'
import { eventually, FIXTURE_MODELS, gatedApp, photo, realApp, SAM_LITE } from './fixtures/world.ts'

// The tests of a file run at the same time: the shared server must hold them all.
const server = realApp(SAM_LITE, { requests: 1000 })
const picture = await photo()
test.before(() => server.load())
test.after.always(() => server.close())

type Answer = { error: { code: string; message: string; details?: string[]; requestId: string } }

const image = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
/** Another file, whose embedding is not kept or being made. */
const anotherPicture = (at: number) => Buffer.concat([picture, Buffer.alloc(at)])
const aRequest = (overrides: object = {}) => ({
  method: 'POST' as const,
  url: '/invocations',
  payload: { task: 'segment', image: image(picture), points: [[285, 160]], labels: [1], ...overrides },
})

const refused = test.macro(async (t, request: object, status: number, code: string, message: RegExp) => {
  const response = await server.http.inject({ ...aRequest(), ...request })
  const { error } = response.json<Answer>()
  t.is(response.statusCode, status)
  t.is(error.code, code)
  t.regex(`${error.message} ${error.details ?? ''}`, message)
  t.truthy(error.requestId)
  t.notRegex(response.body, /node_modules|\.ts:|at .*\(/, 'no stack trace')
  t.is(Number(response.headers['content-length']), Buffer.byteLength(response.body))
})

const prompt = (overrides: object) => ({ payload: aRequest(overrides).payload })
const json = { 'content-type': 'application/json' }

test(
  'a truncated JPEG',
  refused,
  prompt({ image: image(picture.subarray(0, 30_000)) }),
  422,
  'InvalidImage',
  /truncated/,
)
test(
  'bytes that are no image',
  refused,
  prompt({ image: image(Buffer.from('hello there')) }),
  422,
  'InvalidImage',
  /format/,
)
test(
  'an SVG, which is no photograph',
  refused,
  prompt({ image: image(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')) }),
  422,
  'InvalidImage',
  /svg/,
)
test('text that is no base64', refused, prompt({ image: '%%%%' }), 400, 'InvalidRequest', /base64/)
test('no image', refused, prompt({ image: undefined }), 400, 'InvalidRequest', /"image" is missing/)
test('no task', refused, prompt({ task: undefined }), 400, 'UnknownTask', /"task".*segment, get_embedding/)
test('a task that does not exist', refused, prompt({ task: 'paint' }), 400, 'UnknownTask', /"paint"/)
test('a task named like a built-in', refused, prompt({ task: '__proto__' }), 400, 'UnknownTask', /__proto__/)
test('no prompt', refused, prompt({ points: undefined, labels: undefined }), 422, 'InvalidPrompt', /"points".*"box"/)
test('only background points', refused, prompt({ labels: [0] }), 422, 'InvalidPrompt', /label 1/)
test('a label too many', refused, prompt({ labels: [1, 1] }), 422, 'InvalidPrompt', /1 points and 2 labels/)
test('an unknown label', refused, prompt({ labels: [7] }), 422, 'InvalidParameters', /labels\.0/)
test('a point outside the image', refused, prompt({ points: [[600, 10]] }), 422, 'InvalidPrompt', /600 x 400/)
test('a point left of the image', refused, prompt({ points: [[-1, 10]] }), 422, 'InvalidPrompt', /outside/)
test(
  'a point that is null, as NaN becomes in JSON',
  refused,
  prompt({ points: [[Number.NaN, 10]] }),
  422,
  'InvalidParameters',
  /points\.0\.0/,
)
test(
  'a literal NaN',
  refused,
  { headers: json, payload: '{"task":"segment","points":[[NaN,1]]}' },
  400,
  'InvalidRequest',
  /JSON/,
)
test(
  'an infinite point',
  refused,
  { headers: json, payload: `{"task":"segment","image":"${image(picture)}","points":[[1e999,1]]}` },
  422,
  'InvalidParameters',
  /points/,
)
test(
  'points without number',
  refused,
  prompt({ points: Array.from({ length: 100_000 }, () => [1, 1]), labels: undefined }),
  422,
  'InvalidParameters',
  /points/,
)
test('a box turned around', refused, prompt({ box: [200, 200, 100, 100] }), 422, 'InvalidPrompt', /empty/)
test('a box beyond the image', refused, prompt({ box: [0, 0, 601, 400] }), 422, 'InvalidPrompt', /outside/)
test('a body that is no object', refused, { payload: [1] }, 400, 'InvalidRequest', /object/)
test('an empty body', refused, { headers: json, payload: '' }, 400, 'InvalidRequest', /empty/)
test(
  'a content type that is not understood',
  refused,
  { headers: { 'content-type': 'text/html' }, payload: '1,2' },
  415,
  'UnsupportedContentType',
  /application\/json/,
)
test('a body over the limit', refused, prompt({ image: 'A'.repeat(5_000_000) }), 413, 'BodyTooLarge', /too large/)

test('an image of more pixels than allowed is refused by its header', async (t) => {
  // 100 MP of one colour are 200 kB of PNG: a bomb.
  const bomb = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#000' } })
    .png({ compressionLevel: 9 })
    .toBuffer()
  t.true(bomb.length < 1_000_000)
  const response = await server.http.inject(aRequest({ image: image(bomb) }))
  t.is(response.statusCode, 413)
  t.is(response.json<Answer>().error.code, 'ImageTooLarge')
})

test('a segmentation is answered in JSON with the mask, its area and its bounding box', async (t) => {
  const response = await server.http.inject(aRequest())
  t.is(response.statusCode, 200)
  t.is(Number(response.headers['content-length']), response.rawPayload.length)
  const answer = response.json()
  t.deepEqual(answer.mask_size, [600, 400])
  t.true(answer.confidence_score > 0 && answer.confidence_score <= 1)
  const png = sharp(Buffer.from(answer.mask, 'base64'))
  t.like(await png.metadata(), { format: 'png', channels: 1, width: 600, height: 400 })
  const data = await png.extractChannel(0).raw().toBuffer()
  t.is(data.filter((value) => value === 255).length, answer.area)
  t.is(data.filter((value) => value === 0).length, 600 * 400 - answer.area)
  const [left, top, right, bottom] = answer.bounding_box
  t.true(left < 285 && 285 < right && top < 160 && 160 < bottom)
})

test('Accept: image/png gives the same mask as the body itself', async (t) => {
  const inJson = await server.http.inject(aRequest())
  const asPng = await server.http.inject({ ...aRequest(), headers: { accept: 'image/png' } })
  t.is(asPng.headers['content-type'], 'image/png')
  t.is(asPng.rawPayload.toString('base64'), inJson.json().mask)
})

test('a raw JPEG carries its task and prompt in the custom attributes, which are given back', async (t) => {
  const attributes = 'task=segment;points=[[285,160]];trace=42'
  const response = await server.http.inject({
    method: 'POST',
    url: '/invocations',
    headers: { 'content-type': 'image/jpeg', 'x-amzn-sagemaker-custom-attributes': attributes },
    payload: picture,
  })
  t.is(response.statusCode, 200)
  t.is(response.headers['x-amzn-sagemaker-custom-attributes'], attributes)
  t.is(response.json().mask, (await server.http.inject(aRequest())).json().mask)
})

test('the inference id becomes the request id, so that logs and errors can be found by it', async (t) => {
  const response = await server.http.inject({
    ...aRequest({ task: 'paint' }),
    headers: { 'x-amzn-sagemaker-inference-id': 'order-66' },
  })
  t.is(response.json<Answer>().error.requestId, 'order-66')
})

test('an embedding comes as base64 in JSON or as bytes, the same ones', async (t) => {
  const request = aRequest({ task: 'get_embedding', points: undefined, labels: undefined })
  const answer = (await server.http.inject(request)).json()
  t.deepEqual(answer.shape, [1, 256, 64, 64])
  t.is(answer.dtype, 'float32')
  t.is(answer.embedding_size_mb, 4)
  const bytes = await server.http.inject({ ...request, headers: { accept: 'application/octet-stream' } })
  t.is(bytes.headers['content-type'], 'application/octet-stream')
  t.is(bytes.rawPayload.length, 4 * 256 * 64 * 64)
  t.is(bytes.rawPayload.toString('base64'), answer.embedding)
})

test('a picture turned by EXIF is segmented upright: points are those of what one sees', async (t) => {
  const turned = await sharp(picture).rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer()
  const upright = (await server.http.inject(aRequest())).json()
  const answer = (await server.http.inject(aRequest({ image: image(turned) }))).json()
  t.deepEqual(answer.mask_size, [600, 400])
  t.true(Math.abs(answer.area / upright.area - 1) < 0.05, `${answer.area} and ${upright.area} pixels`)
})

test('grey, transparent and 16-bit pictures are understood', async (t) => {
  const variants = [
    sharp(picture).greyscale().jpeg(),
    sharp(picture).ensureAlpha(0.5).png(),
    sharp(picture).toColourspace('rgb16').png(),
  ]
  for (const variant of variants) {
    const response = await server.http.inject(aRequest({ image: image(await variant.toBuffer()) }))
    t.is(response.statusCode, 200, response.body)
  }
})

test('an encoder that normalises inside gives nearly the same mask', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'interleaved-'))
  await cp(join(FIXTURE_MODELS, 'interleaved/encoder.onnx'), join(directory, 'encoder.onnx'))
  await cp(join(SAM_LITE, 'decoder.onnx'), join(directory, 'decoder.onnx'))
  const other = realApp(directory)
  await other.load()
  const [a, b] = await Promise.all([server.http.inject(aRequest()), other.http.inject(aRequest())])
  t.true(Math.abs(a.json().area / b.json().area - 1) < 0.01)
  await other.close()
})

test('what is not served is not found, in the same form', async (t) => {
  const response = await server.http.inject('/secrets')
  t.is(response.statusCode, 404)
  t.is(response.json<Answer>().error.code, 'NotFound')
})

test('GET / says what is loaded and GET /metrics counts requests', async (t) => {
  await server.http.inject(aRequest())
  const about = (await server.http.inject('/')).json()
  t.deepEqual(about.tasks, {
    segment: ['encoder.onnx', 'decoder.onnx'],
    get_embedding: ['encoder.onnx'],
    generate_3d: [],
  })
  t.like(about.device, { provider: 'cpu', workers: 1 })
  const metrics = (await server.http.inject('/metrics')).body
  t.regex(metrics, /inference_requests_total\{task="segment",status="200"\} [1-9]/)
  t.regex(metrics, /inference_phase_duration_seconds_count\{task="segment",phase="infer"\} [1-9]/)
})

test('before the models are loaded, /ping and /invocations are 503', async (t) => {
  const cold = realApp()
  t.is((await cold.http.inject('/ping')).statusCode, 503)
  const response = await cold.http.inject(aRequest())
  t.is(response.statusCode, 503)
  t.is(response.json<Answer>().error.code, 'NotReady')
  await cold.load()
  t.is((await cold.http.inject('/ping')).statusCode, 200)
  await cold.close()
})

test('models that cannot be served never turn /ping to 200', async (t) => {
  const wrong = realApp(join(FIXTURE_MODELS, 'stranger'))
  await t.throwsAsync(wrong.load(), { message: /found inputs spectrogram.*expected one of: .*SAM 1/ })
  t.is((await wrong.http.inject('/ping')).statusCode, 503)
  await wrong.close()
})

test('/ping is answered while an inference runs', async (t) => {
  const app = await gatedApp()
  const running = app.http.inject(aRequest())
  await eventually('the inference runs', () => app.pool.stats().busy === 1)
  t.is((await app.http.inject('/ping')).statusCode, 200)
  t.is(app.pool.stats().busy, 1, 'it still runs')
  app.open()
  t.is((await running).statusCode, 200)
  await app.close()
})

test('a request beyond the queue is refused with 429 and a time to retry, and the others are answered', async (t) => {
  const app = await gatedApp({ requests: 2 })
  const inside = [aRequest(), aRequest({ image: image(anotherPicture(1)) })].map((each) => app.http.inject(each))
  await eventually('one runs and one waits', () => app.pool.stats().busy + app.pool.stats().waiting === 2)
  const response = await app.http.inject(aRequest())
  t.is(response.statusCode, 429)
  t.is(response.json<Answer>().error.code, 'QueueFull')
  t.is(response.headers['retry-after'], '1')
  t.is((await app.http.inject('/ping')).statusCode, 200, 'a full queue is no sickness')
  app.open()
  for (const each of inside) t.is((await each).statusCode, 200)
  t.is((await app.http.inject(aRequest())).statusCode, 200, 'places are given back')
  await app.close()
})

test('where requests are to wait, one beyond the limit is answered when there is room, or ends at its deadline', async (t) => {
  const app = await gatedApp({ requests: 1, whenFull: 'wait' })
  const inside = app.http.inject(aRequest())
  await eventually('one runs', () => app.pool.stats().busy === 1)
  const waiting = app.http.inject(aRequest({ image: image(anotherPicture(1)) }))
  app.open()
  t.is((await inside).statusCode, 200)
  t.is((await waiting).statusCode, 200)
  await app.close()

  const stuck = await gatedApp({ requests: 1, whenFull: 'wait', requestTimeoutMs: 300 })
  const answers = await Promise.all([stuck.http.inject(aRequest()), stuck.http.inject(aRequest())])
  t.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [504, 504],
  )
  stuck.open()
  t.true(await stuck.drain(60_000), 'nothing is held any more')
  await stuck.close()
})

test('bodies that are too much together are refused before they are read', async (t) => {
  const app = await gatedApp({ requests: 10, heldBytes: 150_000 })
  const inside = app.http.inject(aRequest())
  await eventually('one runs', () => app.pool.stats().busy === 1)
  const response = await app.http.inject(aRequest({ image: image(anotherPicture(100_000)) }))
  t.is(response.statusCode, 429)
  t.regex(response.json<Answer>().error.message, /bytes of requests/)
  app.open()
  t.is((await inside).statusCode, 200)
  await app.close()
})

test('a request that is not done by its deadline gets 504, and the server goes on', async (t) => {
  const app = await gatedApp({ requestTimeoutMs: 300 })
  const response = await app.http.inject(aRequest())
  t.is(response.statusCode, 504)
  t.is(response.json<Answer>().error.code, 'DeadlineExceeded')
  app.open()
  await eventually('a new worker is ready', () => app.pool.stats().ready === 1)
  t.is((await app.http.inject('/ping')).statusCode, 200)
  await app.close()
})

test('draining lets a running request finish, refuses new ones, and fails /ping', async (t) => {
  const app = await gatedApp()
  const running = app.http.inject(aRequest())
  await eventually('the inference runs', () => app.pool.stats().busy === 1)
  const drained = app.drain(60_000)
  t.is((await app.http.inject('/ping')).statusCode, 503)
  t.is((await app.http.inject(aRequest())).json<Answer>().error.code, 'Draining')
  app.open()
  t.is((await running).statusCode, 200)
  t.true(await drained)
  await app.close()
})

test('draining gives up on a request that does not end', async (t) => {
  const app = await gatedApp()
  const running = app.http.inject(aRequest())
  await eventually('the inference runs', () => app.pool.stats().busy === 1)
  t.false(await app.drain(50))
  await app.close()
  t.is((await running).statusCode, 503)
})

test('a server whose workers crash again and again fails /ping', async (t) => {
  const app = await gatedApp()
  app.open()
  const lifetime = new Lifetime(1_000_000)
  for (let n = 0; n < 3; n++) await t.throwsAsync(app.pool.run('crash', null, { lifetime }))
  lifetime.end()
  t.is((await app.http.inject('/ping')).statusCode, 503)
  await app.close()
})

test('a caller that leaves while its request waits gives its place back without being computed', async (t) => {
  const app = await gatedApp()
  const url = await app.http.listen({ host: '127.0.0.1', port: 0 })
  const running = app.http.inject(aRequest())
  await eventually('the inference runs', () => app.pool.stats().busy === 1)
  const leaving = new AbortController()
  const body = JSON.stringify(aRequest({ image: image(anotherPicture(1)) }).payload)
  const headers = { 'content-type': 'application/json' }
  const gone = fetch(`${url}/invocations`, { method: 'POST', headers, body, signal: leaving.signal })
  await eventually('it waits', () => app.pool.stats().waiting === 1)
  leaving.abort()
  await t.throwsAsync(gone)
  await eventually('it no longer waits', () => app.pool.stats().waiting === 0)
  app.open()
  t.is((await running).statusCode, 200)
  t.true(await app.drain(60_000), 'nobody is inside')
  await app.close()
})
