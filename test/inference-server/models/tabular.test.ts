import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { realApp } from '../fixtures/world.ts'

const MODELS = fileURLToPath(new URL('../../../inference-server/models', import.meta.url))
const TABULAR = join(MODELS, 'tabular')
const PYTHON = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url))

async function hashes(directory: string): Promise<string> {
  const lines = ['model.onnx', 'held-out.csv'].map(async (name) => {
    const hash = createHash('sha256').update(await readFile(join(directory, name)))
    return `${hash.digest('hex')}  ${name}\n`
  })
  return (await Promise.all(lines)).join('')
}

test('the sample knows wines that it was not trained on, sent as they lie in a file', async (t) => {
  const [header = '', ...wines] = (await readFile(join(TABULAR, 'held-out.csv'), 'utf8')).trimEnd().split('\n')
  const cut = (line: string) => line.slice(0, line.lastIndexOf(','))
  const server = realApp(TABULAR)
  await server.load()
  const response = await server.http.inject({
    method: 'POST',
    url: '/invocations',
    headers: { 'content-type': 'text/csv' },
    payload: [header, ...wines].map(cut).join('\n'),
  })
  await server.close()
  t.is(response.statusCode, 200)
  const { predictions, confidence_scores } = response.json<{ predictions: string[]; confidence_scores: number[] }>()
  const right = wines.filter((wine, row) => wine.slice(wine.lastIndexOf(',') + 1) === predictions[row]).length
  t.is(wines.length, 45)
  t.true(right >= 43, `${right} right`)
  t.true(confidence_scores.every((score) => score > 1 / 3))
})

test('the committed model is that of the committed hash', async (t) => {
  t.is(await hashes(TABULAR), await readFile(join(TABULAR, 'SHA256SUMS'), 'utf8'))
})

const withPython = existsSync(PYTHON) ? test : test.skip
withPython(
  'make_tabular.py writes the committed bytes again (needs .venv with references/requirements.txt)',
  async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'made-'))
    await promisify(execFile)(PYTHON, ['-B', join(MODELS, 'make_tabular.py'), directory])
    t.is(await hashes(directory), await hashes(TABULAR))
    await rm(directory, { recursive: true })
  },
)
