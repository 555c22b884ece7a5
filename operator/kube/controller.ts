import { isAbort, isConflict, isNotFound, retryAfter } from './errors.ts'
import type { Informer } from './informer.ts'
import type { Log } from './log.ts'
import { type Result, TerminalError } from './result.ts'
import { type KubeObject, parseKey } from './types.ts'
import { type Workqueue, workqueue } from './workqueue.ts'

export type Outcome = 'success' | 'requeue_after' | 'error' | 'terminal' | 'conflict'

export type ControllerMetrics = {
  reconciled(controller: string, outcome: Outcome, seconds: number): void
  depth(controller: string, depth: number): void
}

export type ControllerOptions<T extends KubeObject> = {
  name: string
  informer: Informer<T>
  /** Gets a copy of the newest cached object. The signal aborts when the controller stops or the pass takes too long. */
  reconcile(object: T, signal: AbortSignal): Promise<Result>
  /** Called for each object that is gone from the cluster, again if it throws. */
  onGone?(key: string): void
  workers?: number
  queue?: Workqueue
  log: Log
  metrics?: ControllerMetrics
  /** No pass waits for anything; one that takes this long hangs. */
  passTimeoutMs?: number
}

export type Controller = {
  start(): void
  /** Waits for the passes under way. */
  stop(): Promise<void>
  enqueue(key: string): void
}

const PASS_TIMEOUT_MS = 120_000

/** Works on keys until stopped: controller-runtime's reconcile policy. */
export function controller<T extends KubeObject>(options: ControllerOptions<T>): Controller {
  const { name, informer, reconcile, workers = 1, queue = workqueue(), log, metrics } = options
  const { passTimeoutMs = PASS_TIMEOUT_MS } = options
  const stopping = new AbortController()
  const running: Promise<void>[] = []
  const add = (key: string) => {
    queue.add(key)
    metrics?.depth(name, queue.depth())
  }
  informer.onChange(add)

  const pass = async (key: string): Promise<Outcome> => {
    try {
      const object = informer.get(key)
      if (!object) {
        options.onGone?.(key)
        queue.forget(key)
        return 'success'
      }
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(passTimeoutMs)])
      const result = await reconcile(object, signal)
      queue.forget(key)
      if (result.after === undefined) return 'success'
      queue.addAfter(key, result.after)
      return 'requeue_after'
    } catch (error) {
      return failed(key, error)
    }
  }

  const failed = (key: string, error: unknown): Outcome => {
    if (stopping.signal.aborted && isAbort(error)) return 'success'
    // Gone between cache and write: the deletion's own event follows.
    if (isNotFound(error)) {
      queue.forget(key)
      return 'success'
    }
    // Somebody wrote first. The watch brings the newer object; the retry is for the case that it came before.
    if (isConflict(error)) {
      queue.addRateLimited(key)
      return 'conflict'
    }
    if (error instanceof TerminalError) {
      queue.forget(key)
      log.error({ err: error, controller: name, ...parseKey(key) }, 'gave up until the object changes')
      return 'terminal'
    }
    const retryInMs = Math.round(queue.addRateLimited(key, retryAfter(error)))
    log.warn({ err: error, controller: name, ...parseKey(key), retryInMs }, 'reconcile failed')
    return 'error'
  }

  const work = async () => {
    for (;;) {
      const key = await queue.get()
      if (key === undefined) return
      metrics?.depth(name, queue.depth())
      const started = performance.now()
      const outcome = await pass(key)
      metrics?.reconciled(name, outcome, (performance.now() - started) / 1000)
      queue.done(key)
    }
  }

  return {
    start() {
      for (let index = running.length; index < workers; index++) running.push(work())
    },
    async stop() {
      stopping.abort()
      queue.shutdown()
      await Promise.all(running)
    },
    enqueue: add,
  }
}
