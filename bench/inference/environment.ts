import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { WorkloadName } from './workloads.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
/** Not part of the repository; made when missing or when what it is made of has changed. */
const CACHE = join(ROOT, '.cache', 'bench-inference')
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const MODEL_SOURCES = ['models.py', 'graph.py', 'sam.py'].map((name) => join(import.meta.dirname, name))

/** What a server is started with: a workload's models, or SAM at the size of a real one. */
export type ModelSet = WorkloadName | 'sam-vit'

export type Environment = {
  /** The virtual environment's folder of programs: python, gunicorn. */
  bin: string
  /** Where each workload's model files are: the same for every server. */
  models: Readonly<Record<ModelSet, string>>
  logs: string
}

/** Makes the peers' virtual environment from PyPI, and the models that are not in the repository. */
export async function environment(note: (text: string) => void): Promise<Environment> {
  const venv = join(CACHE, 'venv')
  const bin = join(venv, 'bin')
  await once(join(CACHE, 'venv.made-of'), [REQUIREMENTS], async () => {
    note(`installing the peers from PyPI into ${venv}`)
    await run(process.env.PYTHON ?? 'python3', ['-m', 'venv', '--clear', venv])
    await run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', REQUIREMENTS])
  })
  const models = join(CACHE, 'models')
  await once(join(CACHE, 'models.made-of'), [REQUIREMENTS, ...MODEL_SOURCES], async () => {
    note('making the models')
    await run(join(bin, 'python'), ['-B', ...MODEL_SOURCES.slice(0, 1), models])
  })
  const logs = join(CACHE, 'logs')
  await mkdir(logs, { recursive: true })
  return {
    bin,
    logs,
    models: {
      tiny: join(models, 'tiny'),
      light: join(models, 'light'),
      compute: join(models, 'compute'),
      'sam-vit': join(models, 'sam-vit'),
      sam: join(ROOT, 'inference-server', 'models', 'sam-lite'),
    },
  }
}

/** Does the work unless the stamp says that it was done with the same files. */
async function once(stamp: string, sources: readonly string[], work: () => Promise<void>): Promise<void> {
  const hash = createHash('sha256')
  for (const source of sources) hash.update(await readFile(source))
  const digest = hash.digest('hex')
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === digest) return
  await mkdir(CACHE, { recursive: true })
  await work()
  await writeFile(stamp, digest)
}
