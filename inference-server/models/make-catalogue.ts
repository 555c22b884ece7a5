import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { composeServer } from '../compose.ts'
import { loadConfig } from '../config.ts'
import { writeNpy } from '../formats/npy.ts'
import { motifs, pictureOf } from './pictures.ts'

/**
 * Writes the recommender sample: clip-lite's encoder, and the vectors that the server itself gives for 112 drawn pictures, in 16
 * bits: `node inference-server/models/make-catalogue.ts`.
 */
const ENCODER = join(import.meta.dirname, 'clip-lite')
const TARGET = process.argv[2] ?? join(import.meta.dirname, 'recommender')

const server = composeServer(loadConfig({ SM_MODEL_DIR: ENCODER }, []), 'cpu', pino({ level: 'error' }))
await server.load()
const items = motifs()
const vectors: number[][] = []
for (const motif of items) {
  const response = await server.http.inject({
    method: 'POST',
    url: '/invocations?task=get_embedding',
    headers: { 'content-type': 'image/jpeg' },
    payload: await pictureOf(motif),
  })
  if (response.statusCode !== 200) throw new Error(response.body)
  vectors.push(response.json<{ embedding: number[] }>().embedding)
}
await server.close()

await mkdir(TARGET, { recursive: true })
await copyFile(join(ENCODER, 'vision_model.onnx'), join(TARGET, 'vision_model.onnx'))
const data = Float32Array.from(vectors.flat())
const dims = [items.length, vectors[0]?.length ?? 0]
await writeFile(join(TARGET, 'catalogue.npy'), writeNpy({ type: 'float32', dims, data }, { half: true }))
const lines = items.map((motif) =>
  JSON.stringify({ id: `${motif.colour}-${motif.shape}-on-${motif.ground}`, ...motif }),
)
await writeFile(join(TARGET, 'catalogue.jsonl'), `${lines.join('\n')}\n`)
console.log(`${items.length} items of ${dims[1]} dimensions in ${TARGET}`)
