import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { FIXTURE_MODELS, realApp, SAM_LITE } from '../fixtures/world.ts'

const ENCODER = join(SAM_LITE, 'encoder.onnx')
const DECODER = join(SAM_LITE, 'decoder.onnx')
const STRANGER = join(FIXTURE_MODELS, 'stranger/model.onnx')

/** A model directory of these files, and of these texts, which begin with a brace or are no path. */
async function aDirectory(files: Record<string, string>, texts: Record<string, string> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'models-'))
  for (const [name, source] of Object.entries(files)) await cp(source, join(directory, name))
  for (const [name, text] of Object.entries(texts)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  return directory
}

type Loading = { files?: Record<string, string>; texts?: Record<string, string> }

const refused = test.macro(async (t, { files = {}, texts = {} }: Loading, expected: RegExp[]) => {
  const directory = await aDirectory(files, texts)
  const app = realApp(directory)
  const error = await t.throwsAsync(app.load())
  for (const pattern of expected) t.regex(error?.message ?? '', pattern)
  t.is((await app.http.inject('/ping')).statusCode, 503)
  await app.close()
  await rm(directory, { recursive: true })
})

const PAIR = { 'e.onnx': ENCODER, 'd.onnx': DECODER }
const config = (value: unknown) => ({ 'config.json': JSON.stringify(value) })

test('an empty directory', refused, {}, [/there is no \.onnx file and no config\.json/])
test('a decoder without its encoder', refused, { files: { 'd.onnx': DECODER } }, [
  /SAM 1 is incomplete: .*encoder.*found d\.onnx; expected an encoder/,
])
test('two encoders', refused, { files: { ...PAIR, 'f.onnx': ENCODER } }, [
  /e\.onnx and f\.onnx are both the encoder of SAM 1/,
  /"models" in config\.json/,
])
test('a model of no family, with the inputs and outputs it has', refused, { files: { ...PAIR, 'x.onnx': STRANGER } }, [
  /x\.onnx is no model that this server knows/,
  /found inputs spectrogram float32\[n,t,80\]; outputs voices float32\[n,t,2\]/,
])
test('a file that is no ONNX model', refused, { texts: { 'broken.onnx': 'not a model' } }, [
  /broken\.onnx cannot be loaded/,
])
test('a config.json that is no JSON', refused, { files: PAIR, texts: { 'config.json': '{"tasks"' } }, [/no JSON/])
test(
  'a config.json that names a file which is not there',
  refused,
  { files: PAIR, texts: config({ models: ['x.onnx'] }) },
  [/names x\.onnx, which is not in .*; found d\.onnx, e\.onnx/],
)
test('a config.json with a misspelt key', refused, { files: PAIR, texts: config({ tasks: {}, model: [] }) }, [/model/])
test('settings of a task that does not exist', refused, { files: PAIR, texts: config({ tasks: { paint: {} } }) }, [
  /configures paint; there are segment/,
])
test(
  'defaults that the task would refuse in a request',
  refused,
  { files: PAIR, texts: config({ tasks: { segment: { defaults: { multimask: 'yes' } } } }) },
  [/segment: defaults\.multimask/],
)

test('a directory that does not exist is named', async (t) => {
  const app = realApp('/nowhere/models')
  await t.throwsAsync(app.load(), { message: /\/nowhere\/models cannot be read/ })
  await app.close()
})

test('models are found in any folder and under any name, but not under code/, and strangers’ config.json is left alone', async (t) => {
  const directory = await aDirectory(
    { 'deep/one.onnx': join(FIXTURE_MODELS, 'interleaved/encoder.onnx'), 'two.onnx': DECODER, 'code/x.onnx': STRANGER },
    config({ architectures: ['SamModel'] }),
  )
  const app = realApp(directory)
  await app.load()
  t.deepEqual((await app.http.inject('/')).json().tasks.segment, ['deep/one.onnx', 'two.onnx'])
  await app.close()
  await rm(directory, { recursive: true })
})

test('config.json chooses among the models and gives defaults, which requests overrule', async (t) => {
  const directory = await aDirectory(
    { ...PAIR, 'x.onnx': STRANGER },
    config({ models: ['e.onnx', 'd.onnx'], tasks: { segment: { defaults: { points: [[5, 5]] } } } }),
  )
  const app = realApp(directory)
  await app.load()
  const image = await import('../../../inference-server/tasks/example-image.ts').then(({ exampleImage }) =>
    exampleImage(),
  )
  const ask = async (fields: object) =>
    (
      await app.http.inject({
        method: 'POST',
        url: '/invocations',
        payload: { task: 'segment', image: Buffer.from(image.bytes).toString('base64'), ...fields },
      })
    ).json()
  const [outer, inner] = [await ask({}), await ask({ points: [[160, 120]] })]
  t.true(outer.area > inner.area, 'the background is larger than what stands on it')
  await app.close()
  await rm(directory, { recursive: true })
})

test('half precision is fed and read as float32, despite a fault of onnxruntime-node on this Node', async (t) => {
  const worker = new Worker(new URL('../fixtures/half-worker.ts', import.meta.url), {
    workerData: join(FIXTURE_MODELS, 'half.onnx'),
  })
  const answer = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  t.deepEqual(answer, { fed: 'float16', type: 'float32', values: [3, -4] })
  await worker.terminate()
})
