import { parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import type { FromWorker, ToWorker } from './messages.ts'
import { describeModels, loadModels } from './models.ts'
import { loadOnnx } from './onnx.ts'
import { type Handlers, sam1Operations } from './sam1-operations.ts'
import { warmUp } from './warm-up.ts'

/** The body of an inference thread: loads the models, runs them once, then does one job after the other. */
const { modelDirectory, intraOpThreads } = z
  .object({ modelDirectory: z.string(), intraOpThreads: z.number().int() })
  .parse(workerData)

const port = parentPort
if (!port) throw new Error('worker.ts is the body of a worker thread')
const say = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
const text = (error: unknown) => (error instanceof Error ? error.message : String(error))

try {
  const ort = await loadOnnx()
  const models = await loadModels(ort, modelDirectory, intraOpThreads)
  const handlers = sam1Operations(ort, models)
  await warmUp(handlers)
  port.on('message', (job: ToWorker) => void work(handlers, job))
  say({ type: 'ready', description: describeModels(models) })
} catch (error) {
  say({ type: 'unusable', message: text(error) })
}

async function work(handlers: Handlers, job: ToWorker): Promise<void> {
  try {
    const { result, transfer } = await perform(handlers, job)
    say({ type: 'done', id: job.id, result }, transfer)
  } catch (error) {
    say({ type: 'failed', id: job.id, message: text(error) })
  }
}

async function perform(handlers: Handlers, job: ToWorker): Promise<{ result: unknown; transfer: ArrayBuffer[] }> {
  if (job.operation === 'embed') {
    return { result: await handlers.embed(job.payload as Parameters<Handlers['embed']>[0]), transfer: [] }
  }
  const result = await handlers.segment(job.payload as Parameters<Handlers['segment']>[0])
  return { result, transfer: [result.mask.pixels.buffer] }
}
