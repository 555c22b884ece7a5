import { parentPort } from 'node:worker_threads'
import { Failure } from '../core/errors.ts'
import type { FromWorker, Outcome, ToWorker } from './messages.ts'

/** What a worker does with one message; what it throws becomes the outcome. `transfer` is the memory that moves with the result. */
export type Perform = (operation: string, payload: unknown) => Promise<{ result: unknown; transfer: ArrayBuffer[] }>

/** The life of a worker thread: it sets itself up, says that it is ready, then does one message after the other. */
export async function serve(setUp: () => Promise<{ description: unknown; perform: Perform }>): Promise<void> {
  const port = parentPort
  if (!port) throw new Error('this is the body of a worker thread')
  const say = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  try {
    const { description, perform } = await setUp()
    port.on('message', async ({ id, operation, payload }: ToWorker) => {
      const start = performance.now()
      try {
        const { result, transfer } = await perform(operation, payload)
        say({ type: 'done', id, outcome: { ok: true, result }, ms: performance.now() - start }, transfer)
      } catch (error) {
        say({ type: 'done', id, outcome: failed(error), ms: performance.now() - start })
      }
    })
    say({ type: 'ready', description })
  } catch (error) {
    say({ type: 'unusable', message: text(error) })
  }
}

/** The outcome of a job that threw. */
function failed(error: unknown): Outcome {
  if (!(error instanceof Failure)) return { ok: false, message: text(error) }
  const { code, message, details } = error
  return { ok: false, message, failure: { code, message, ...(details ? { details } : {}) } }
}

const text = (error: unknown) => (error instanceof Error ? error.message : String(error))
