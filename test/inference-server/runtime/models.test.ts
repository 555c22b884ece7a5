import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import * as ort from 'onnxruntime-node'
import { loadModels } from '../../../inference-server/runtime/models.ts'
import { FIXTURE_MODELS, SAM_LITE } from '../fixtures/world.ts'

async function aDirectory(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'models-'))
  for (const [name, source] of Object.entries(files)) await cp(source, join(directory, name))
  return directory
}

const ENCODER = join(SAM_LITE, 'encoder.onnx')
const DECODER = join(SAM_LITE, 'decoder.onnx')
const STRANGER = join(FIXTURE_MODELS, 'stranger/model.onnx')

const refused = test.macro(async (t, files: Record<string, string>, expected: RegExp[]) => {
  const directory = await aDirectory(files)
  const error = await t.throwsAsync(loadModels(ort, directory, 1))
  for (const pattern of expected) t.regex(error?.message ?? '', pattern)
  await rm(directory, { recursive: true })
})

test('an empty directory is refused, saying what is expected', refused, {}, [/no \.onnx file/, /a SAM 1 pair/])
test('a missing decoder is named', refused, { 'e.onnx': ENCODER }, [/decoder is missing/, /found e\.onnx/])
test('a missing encoder is named', refused, { 'd.onnx': DECODER }, [/encoder is missing/])
test('two encoders are one too many', refused, { 'a.onnx': ENCODER, 'b.onnx': ENCODER, 'd.onnx': DECODER }, [
  /b\.onnx and a\.onnx are both a SAM 1 encoder/,
])
test(
  'a model of another family is refused with the inputs and outputs it has',
  refused,
  { 'e.onnx': ENCODER, 'd.onnx': DECODER, 'x.onnx': STRANGER },
  [
    /x\.onnx is no model that this server knows/,
    /found inputs float_input float32\[n,3\]; outputs probabilities float32\[n,2\]/,
  ],
)

test('a file that is no ONNX model is named', async (t) => {
  const directory = await aDirectory({})
  await writeFile(join(directory, 'broken.onnx'), 'not a model')
  await t.throwsAsync(loadModels(ort, directory, 1), { message: /broken\.onnx is no ONNX model/ })
  await rm(directory, { recursive: true })
})

test('a directory that does not exist is named', async (t) => {
  await t.throwsAsync(loadModels(ort, '/nowhere/models', 1), { message: /\/nowhere\/models cannot be read/ })
})

test('the encoder is told from its rank, in any folder and under any name', async (t) => {
  const directory = await aDirectory({
    'deep/one.onnx': join(FIXTURE_MODELS, 'interleaved/encoder.onnx'),
    'two.onnx': DECODER,
  })
  t.is((await loadModels(ort, directory, 1)).encoder.kind, 'interleaved')
  t.is((await loadModels(ort, SAM_LITE, 1)).encoder.kind, 'planes')
  await rm(directory, { recursive: true })
})

test('16-bit floats can be fed in a worker, despite a fault of onnxruntime-node on this Node', async (t) => {
  const worker = new Worker(new URL('../fixtures/half-worker.ts', import.meta.url), {
    workerData: join(FIXTURE_MODELS, 'half.onnx'),
  })
  const answer = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  // 1.5 and -2 doubled, as bits of IEEE 754 half precision.
  t.deepEqual(answer, [0x4200, 0xc400])
  await worker.terminate()
})
