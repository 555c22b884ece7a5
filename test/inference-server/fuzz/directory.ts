import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeNpy } from '../../../inference-server/formats/npy.ts'
import { SAM_LITE } from '../fixtures/world.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname

/** A small model of each kind that the server serves, in the folder of its name. */
const MODELS: Readonly<Record<string, string>> = {
  sam: SAM_LITE,
  clip: `${FIXTURES}clip`,
  depth: `${FIXTURES}depth`,
  gaussians: `${FIXTURES}gaussians`,
}

/** Items of the dimensions of the clip fixture's embeddings. */
const ITEMS = 200
const DIMENSIONS = 512

/** What may stand for a table: the arrays of the npy fixtures, which are sound or not, and rows of the cancer data's width. */
export async function tables(): Promise<Buffer[]> {
  const arrays = (await readdir(`${FIXTURES}npy`)).filter((name) => name.endsWith('.npy'))
  const rows = { type: 'float32', dims: [3, 30], data: Float32Array.from({ length: 90 }, (_, at) => at / 7) } as const
  const line = Array.from({ length: 30 }, (_, at) => at * 1.5).join(',')
  return [
    Buffer.from(writeNpy(rows)),
    Buffer.from(`${line}\n${line}\n`),
    Buffer.from(`${line.replaceAll(/[^,]+/g, '"a ""b"""')}\n${line}\n`),
    ...(await Promise.all(arrays.map((name) => readFile(`${FIXTURES}npy/${name}`)))),
  ]
}

/** A temporary model directory by which one server serves every task. */
export async function everyTask(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'mooring-fuzz-'))
  for (const [name, from] of Object.entries(MODELS)) await cp(from, join(path, name), { recursive: true })
  await mkdir(join(path, 'tabular'))
  await cp(`${FIXTURES}tabular/cancer-lightgbm.onnx`, join(path, 'tabular/cancer.onnx'))
  const data = Float32Array.from({ length: ITEMS * DIMENSIONS }, (_, at) => Math.sin(at * 1.7))
  await writeFile(join(path, 'catalogue.npy'), writeNpy({ type: 'float32', dims: [ITEMS, DIMENSIONS], data }))
  const items = Array.from({ length: ITEMS }, (_, at) => ({
    id: `item-${at}`,
    colour: at % 2 ? 'red' : 'blue',
    price: at,
  }))
  await writeFile(join(path, 'catalogue.json'), JSON.stringify(items))
  await writeFile(join(path, 'config.json'), JSON.stringify({ tasks: { detect_rooms: {} } }))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
