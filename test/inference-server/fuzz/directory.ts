import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SAM_LITE } from '../fixtures/world.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname

/** A small model of each kind that the server serves, in the folder of its name. */
const MODELS: Readonly<Record<string, string>> = {
  sam: SAM_LITE,
  clip: `${FIXTURES}clip`,
  depth: `${FIXTURES}depth`,
}

/** A temporary model directory by which one server serves every task. */
export async function everyTask(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'mooring-fuzz-'))
  for (const [name, from] of Object.entries(MODELS)) await cp(from, join(path, name), { recursive: true })
  await mkdir(join(path, 'tabular'))
  await cp(`${FIXTURES}tabular/cancer-lightgbm.onnx`, join(path, 'tabular/cancer.onnx'))
  await writeFile(join(path, 'config.json'), JSON.stringify({ tasks: { detect_rooms: {} } }))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
