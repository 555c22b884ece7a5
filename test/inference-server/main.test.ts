import { join } from 'node:path'
import test from 'ava'
import sharp from 'sharp'
import { intersectionOverUnion, photoScene } from '../../inference-server/models/evaluate.ts'
import { startServer } from './fixtures/process.ts'
import { eventually, FIXTURE_MODELS, photo } from './fixtures/world.ts'

const ping = async (url: string) => (await fetch(`${url}/ping`)).status
const healthy = (url: string) => eventually('/ping is 200', async () => (await ping(url)) === 200)

/** A picture so large that upsampling and compressing its mask takes a while; of one colour, so that its file is small. */
const large = () =>
  sharp({ create: { width: 5000, height: 5000, channels: 3, background: '#4080c0' } })
    .png()
    .toBuffer()

const invoke = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

test('started as SageMaker starts it, /ping goes from 503 to 200, and a JPEG becomes the PNG of the right mask', async (t) => {
  const server = startServer()
  const url = await server.url
  t.is(await ping(url), 503, 'it listens before its models are loaded')
  await healthy(url)
  const { mask, prompt } = await photoScene()
  const response = await invoke(
    url,
    { task: 'segment', image: (await photo()).toString('base64'), ...prompt },
    { accept: 'image/png' },
  )
  t.is(response.status, 200)
  t.is(response.headers.get('content-type'), 'image/png')
  const png = Buffer.from(await response.arrayBuffer())
  t.is(Number(response.headers.get('content-length')), png.length)
  const pixels = await sharp(png).extractChannel(0).raw().toBuffer()
  const iou = intersectionOverUnion(pixels, mask.pixels)
  t.true(iou > 0.8, `IoU ${iou}`)
  server.child.kill('SIGTERM')
  t.is(await server.exited, 0)
  const lines = server
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const invocation = lines.filter((line) => line.msg === 'invocation')
  t.is(invocation.length, 1, 'one line a request')
  t.like(invocation[0], { Task: 'segment', Status: 200 })
  for (const phase of ['Decode', 'Infer', 'Postprocess', 'Preprocess', 'Queue']) {
    t.is(typeof invocation[0][phase], 'number', phase)
  }
})

test('SIGTERM lets requests in flight be answered, then the process exits with 0', async (t) => {
  const server = startServer()
  const url = await server.url
  await healthy(url)
  const image = (await large()).toString('base64')
  const answers = [1, 2, 3].map(() => invoke(url, { task: 'segment', image, points: [[2500, 2500]] }))
  await eventually('all requests are inside', async () => {
    return /inference_requests_inside 3/.test(await (await fetch(`${url}/metrics`)).text())
  })
  server.child.kill('SIGTERM')
  for (const answer of await Promise.all(answers)) {
    t.is(answer.status, 200)
    const { mask_size, area } = (await answer.json()) as { mask_size: number[]; area: number }
    t.deepEqual(mask_size, [5000, 5000])
    t.is(area, 25_000_000)
  }
  t.is(await server.exited, 0)
})

test('/ping is answered before an inference that began earlier has ended', async (t) => {
  const server = startServer()
  const url = await server.url
  await healthy(url)
  const ended: string[] = []
  const image = (await large()).toString('base64')
  const inference = invoke(url, { task: 'segment', image, points: [[2500, 2500]] }).then((response) => {
    ended.push('inference')
    return response.status
  })
  await eventually('a worker is busy', async () => {
    const { device, cpu } = (await (await fetch(url)).json()) as Record<'device' | 'cpu', { busy: number }>
    return device.busy + cpu.busy > 0
  })
  t.is(await ping(url), 200)
  ended.push('ping')
  t.is(await inference, 200)
  t.deepEqual(ended, ['ping', 'inference'])
  server.child.kill('SIGTERM')
  t.is(await server.exited, 0)
})

test('a model of another family ends the process with 1 and a line that says what was expected and found', async (t) => {
  const server = startServer({ SM_MODEL_DIR: join(FIXTURE_MODELS, 'stranger') })
  t.is(await server.exited, 1)
  const lines = server
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const fatal = lines.find(({ level }) => level === 60)
  t.regex(
    fatal?.msg,
    /model\.onnx is no model that this server knows; found inputs spectrogram.*; expected one of: .*SAM 1/,
  )
})

test('a wrong setting ends the process with 1, naming the variable', async (t) => {
  const server = startServer({ SAGEMAKER_BIND_TO_PORT: 'eighty' })
  t.is(await server.exited, 1)
  t.regex(server.output(), /SAGEMAKER_BIND_TO_PORT/)
})

test('an argument other than serve ends the process with 1', async (t) => {
  const server = startServer({}, ['train'])
  t.is(await server.exited, 1)
  t.regex(server.output(), /\\"train\\"/)
})
