import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { evaluate, intersectionOverUnion, photoScene } from '../../../inference-server/models/evaluate.ts'
import { generatedScenes } from '../../../inference-server/models/scenes.ts'
import { realApp, SAM_LITE } from '../fixtures/world.ts'

const PYTHON = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url))
const MAKE = fileURLToPath(new URL('../../../inference-server/models/make.py', import.meta.url))

async function hashes(directory: string): Promise<string> {
  const lines = ['decoder.onnx', 'encoder.onnx'].map(async (name) => {
    const hash = createHash('sha256')
      .update(await readFile(join(directory, name)))
      .digest('hex')
    return `${hash}  ${name}\n`
  })
  return (await Promise.all(lines)).join('')
}

test('the models find the known object in every generated scene and in the photograph', async (t) => {
  const server = realApp()
  await server.load()
  const scores = await evaluate(server.http, [...(await generatedScenes()), await photoScene()])
  await server.close()
  t.is(scores.length, 8)
  for (const { name, iou } of scores) t.true(iou > (name.startsWith('photograph') ? 0.8 : 0.85), `${name}: ${iou}`)
})

test('a mask that is wrong gets a low score: the measure can fail', async (t) => {
  const { mask } = await photoScene()
  t.is(intersectionOverUnion(mask.pixels, mask.pixels), 1)
  t.is(intersectionOverUnion(new Uint8Array(mask.pixels.length), mask.pixels), 0)
  t.true(intersectionOverUnion(new Uint8Array(mask.pixels.length).fill(255), mask.pixels) < 0.1)
})

test('the committed models are those of the committed hashes', async (t) => {
  t.is(await hashes(SAM_LITE), await readFile(join(SAM_LITE, 'SHA256SUMS'), 'utf8'))
})

const withPython = existsSync(PYTHON) ? test : test.skip
withPython('make.py writes the committed bytes again (needs .venv with models/requirements.txt)', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'made-'))
  await promisify(execFile)(PYTHON, ['-B', MAKE, directory])
  t.is(await hashes(directory), await hashes(SAM_LITE))
  await rm(directory, { recursive: true })
})
