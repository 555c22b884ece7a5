import { parentPort } from 'node:worker_threads'
import { Failure } from '../core/errors.ts'
import type { FromWorker, Outcome, ToWorker } from './messages.ts'

/** What a worker does with the jobs of one message: an outcome each, in their order, and the memory that moves with them. */
export type Perform = (jobs: ToWorker['jobs']) => Promise<{ outcomes: Outcome[]; transfer: ArrayBuffer[] }>

/** The life of a worker thread: it sets itself up, says that it is ready, then does one message after the other. */
export async function serve(setUp: () => Promise<{ description: unknown; perform: Perform }>): Promise<void> {
  const port = parentPort
  if (!port) throw new Error('this is the body of a worker thread')
  const say = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  try {
    const { description, perform } = await setUp()
    port.on('message', async ({ id, jobs }: ToWorker) => {
      const start = performance.now()
      const { outcomes, transfer } = await perform(jobs)
      say({ type: 'done', id, outcomes, ms: performance.now() - start }, transfer)
    })
    say({ type: 'ready', description })
  } catch (error) {
    say({ type: 'unusable', message: text(error) })
  }
}

/** The outcome of a job that threw. */
export function failed(error: unknown): Outcome {
  if (!(error instanceof Failure)) return { ok: false, message: text(error) }
  const { code, message, details } = error
  return { ok: false, message, failure: { code, message, ...(details ? { details } : {}) } }
}

const text = (error: unknown) => (error instanceof Error ? error.message : String(error))
