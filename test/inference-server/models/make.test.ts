import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { hashes, sample } from '../fixtures/samples.ts'

const PYTHON = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url))
const MAKE = fileURLToPath(new URL('../../../inference-server/models/make.py', import.meta.url))
const MADE = ['sam-lite', 'clip-lite', 'depth-lite']

for (const name of MADE) {
  test(`the committed models of ${name} are those of the committed hashes`, async (t) => {
    t.is(await hashes(sample(name)), await readFile(join(sample(name), 'SHA256SUMS'), 'utf8'))
  })
}

const withPython = existsSync(PYTHON) ? test : test.skip
withPython('make.py writes the committed bytes again (needs .venv with models/requirements.txt)', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'made-'))
  t.teardown(() => rm(directory, { recursive: true }))
  await promisify(execFile)(PYTHON, ['-B', MAKE, directory])
  for (const name of MADE) t.is(await hashes(join(directory, name)), await hashes(sample(name)))
})
