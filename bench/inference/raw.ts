import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as ort from 'onnxruntime-node'
import type { WorkloadName } from './workloads.ts'

/**
 * Runs the models in a loop on an input decoded before: what onnxruntime alone can do from Node, as raw.py from Python.
 *
 *     node raw.ts <feeds.json> <seconds>
 */
const WARM_UP_MS = 500
const [feedsFile = '', seconds = ''] = process.argv.slice(2)
const directory = process.env.BENCH_MODELS ?? ''
const threads = Number(process.env.BENCH_THREADS)
const workload = process.env.BENCH_WORKLOAD as WorkloadName

const open = (file: string) =>
  ort.InferenceSession.create(join(directory, file), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })

const stored = JSON.parse(await readFile(feedsFile, 'utf8')) as Record<string, { dims: number[]; data: string }>
const feeds = Object.fromEntries(
  Object.entries(stored).map(([name, { dims, data }]) => {
    const bytes = Uint8Array.from(Buffer.from(data, 'base64'))
    return [name, new ort.Tensor('float32', new Float32Array(bytes.buffer), dims)]
  }),
)

async function loopOf(): Promise<() => Promise<unknown>> {
  if (workload !== 'sam') {
    const session = await open('model.onnx')
    return () => session.run(feeds)
  }
  const encoder = await open('encoder.onnx')
  const decoder = await open('decoder.onnx')
  const { planes, ...prompt } = feeds
  const [input = ''] = encoder.inputNames
  const [output = ''] = encoder.outputNames
  if (!planes) throw new Error('no picture among the feeds')
  return async () => {
    const embedded = await encoder.run({ [input]: planes })
    const embedding = embedded[output]
    if (embedding) await decoder.run({ ...prompt, image_embeddings: embedding }, ['low_res_masks', 'iou_predictions'])
  }
}

const loop = await loopOf()
for (const until = performance.now() + WARM_UP_MS; performance.now() < until; ) await loop()
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
console.log('ready')
await lines.next()
const before = process.cpuUsage()
const started = performance.now()
const end = started + Number(seconds) * 1000
let runs = 0
while (performance.now() < end) {
  await loop()
  runs++
}
const elapsed = (performance.now() - started) / 1000
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ runs, seconds: elapsed, cpuSeconds: (user + system) / 1e6 }))
process.exit(0)
