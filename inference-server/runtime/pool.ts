import { Worker } from 'node:worker_threads'
import { Failure } from '../core/errors.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** Three crashes within a minute are no accident: /ping then fails, and SageMaker replaces the instance. */
const CRASH_WINDOW_MS = 60_000
const CRASHES_IN_WINDOW = 3
const RESPAWN_DELAY_MS = [0, 200, 1_000, 5_000] as const

type OperationTable = Record<string, { payload: unknown; result: unknown }>

export type RunOptions = {
  /** Aborts at the deadline: a waiting job is dropped, a running one is killed with its worker. */
  deadline: AbortSignal
  /** Aborts when the caller is gone: a waiting job is dropped, a running one is left to finish. */
  departed?: AbortSignal
  /** Memory that moves to the worker instead of being copied. */
  transfer?: readonly ArrayBuffer[]
}

export type PoolState = 'starting' | 'ready' | 'crash-looping' | 'closed'

export type Pool<Operations extends OperationTable> = {
  /** Resolves when every worker is ready; rejects when the models cannot be served. */
  start(): Promise<void>
  /** Runs one operation on the next free worker, first come first served. Rejects with a Failure. */
  run<Name extends keyof Operations & string>(
    operation: Name,
    payload: Operations[Name]['payload'],
    options: RunOptions,
  ): Promise<Operations[Name]['result']>
  state(): PoolState
  /** What the workers loaded, in their own words. */
  description(): unknown
  stats(): { workers: number; ready: number; busy: number; waiting: number; restarts: number }
  close(): Promise<void>
}

export type PoolOptions = {
  worker: URL
  workerData: unknown
  size: number
  /** Monotonic milliseconds. */
  now: () => number
  onEvent?: (event: 'worker-ready' | 'worker-crashed' | 'worker-killed', details: { message?: string }) => void
}

type Job = ToWorker & {
  options: RunOptions
  resolve: (result: unknown) => void
  reject: (reason: unknown) => void
  /** Stops listening to the job's signals. */
  release: () => void
}

type Slot = { thread: Worker | undefined; ready: boolean; job: Job | undefined; timer?: NodeJS.Timeout }

/**
 * A fixed number of worker threads. `session.run` of onnxruntime-node blocks the thread it is called on, so that it must
 * never be called on the main one; and it cannot be cancelled, so that a deadline can only be kept by ending the thread.
 */
export function workerPool<Operations extends OperationTable>(options: PoolOptions): Pool<Operations> {
  const slots: Slot[] = Array.from({ length: options.size }, () => ({
    thread: undefined,
    ready: false,
    job: undefined,
  }))
  const waiting: Job[] = []
  const started = Promise.withResolvers<void>()
  let crashes: number[] = []
  let restarts = 0
  let nextId = 1
  let loaded: unknown
  let startedUp = false
  let closed = false

  function spawn(slot: Slot): void {
    const thread = new Worker(options.worker, { workerData: options.workerData })
    slot.thread = thread
    let lastError: Error | undefined
    thread.on('message', (message: FromWorker) => receive(slot, message))
    thread.on('error', (error: Error) => {
      lastError = error
    })
    thread.on('exit', (code) => {
      if (slot.thread === thread) crashed(slot, lastError?.message ?? `exited with code ${code}`)
    })
  }

  function receive(slot: Slot, message: FromWorker): void {
    if (message.type === 'ready') {
      slot.ready = true
      loaded = message.description
      options.onEvent?.('worker-ready', {})
      if (slots.every((each) => each.ready)) {
        startedUp = true
        started.resolve()
      }
      dispatch()
    } else if (message.type === 'unusable') {
      started.reject(new Error(message.message))
      // Later, it is one more crash: models that vanished while the server ran may come back.
      if (startedUp) void slot.thread?.terminate()
    } else if (slot.job?.id === message.id) {
      const { job } = slot
      slot.job = undefined
      job.release()
      if (message.type === 'done') job.resolve(message.result)
      else
        job.reject(new Failure('ModelFailed', 'The model could not process this request.', { cause: message.message }))
      dispatch()
    }
  }

  function crashed(slot: Slot, message: string): void {
    crashes.push(options.now())
    options.onEvent?.('worker-crashed', { message })
    if (!startedUp) {
      slot.thread = undefined
      started.reject(new Error(`worker crashed while loading: ${message}`))
      return
    }
    const { job } = slot
    replace(slot, RESPAWN_DELAY_MS[Math.min(recentCrashes(), RESPAWN_DELAY_MS.length) - 1] ?? 0)
    job?.release()
    job?.reject(new Failure('WorkerCrashed', 'The process that ran the model ended unexpectedly.'))
  }

  function replace(slot: Slot, delay: number): void {
    slot.thread = undefined
    slot.ready = false
    slot.job = undefined
    if (closed) return
    restarts++
    slot.timer = setTimeout(() => spawn(slot), delay)
  }

  function recentCrashes(): number {
    const since = options.now() - CRASH_WINDOW_MS
    crashes = crashes.filter((time) => time > since)
    return crashes.length
  }

  function dispatch(): void {
    for (const slot of slots) {
      if (!slot.ready || slot.job || !slot.thread) continue
      const job = waiting.shift()
      if (!job) return
      slot.job = job
      const { id, operation, payload } = job
      slot.thread.postMessage({ id, operation, payload } satisfies ToWorker, [...(job.options.transfer ?? [])])
    }
  }

  function abandon(job: Job, reason: Failure): void {
    const at = waiting.indexOf(job)
    if (at >= 0) waiting.splice(at, 1)
    job.release()
    job.reject(reason)
  }

  function atDeadline(job: Job): void {
    const slot = slots.find((each) => each.job === job)
    if (slot) {
      const { thread } = slot
      replace(slot, 0)
      options.onEvent?.('worker-killed', { message: `${job.operation} ran past its deadline` })
      void thread?.terminate()
    }
    abandon(job, new Failure('DeadlineExceeded', 'The request was not finished by its deadline.'))
  }

  return {
    async start() {
      for (const slot of slots) spawn(slot)
      await started.promise
    },
    run(operation, payload, run) {
      return new Promise<never>((resolve, reject) => {
        if (closed) return reject(new Failure('Draining', 'The server is shutting down.'))
        if (run.deadline.aborted)
          return reject(new Failure('DeadlineExceeded', 'The request arrived past its deadline.'))
        if (run.departed?.aborted) return reject(new Failure('DeadlineExceeded', 'The caller left.'))
        const onDeadline = () => atDeadline(job)
        const onDeparted = () => {
          if (waiting.includes(job)) abandon(job, new Failure('DeadlineExceeded', 'The caller left.'))
        }
        const release = () => {
          run.deadline.removeEventListener('abort', onDeadline)
          run.departed?.removeEventListener('abort', onDeparted)
        }
        const job: Job = {
          id: nextId++,
          operation,
          payload,
          options: run,
          resolve: resolve as Job['resolve'],
          reject,
          release,
        }
        run.deadline.addEventListener('abort', onDeadline, { once: true })
        run.departed?.addEventListener('abort', onDeparted, { once: true })
        waiting.push(job)
        dispatch()
      })
    },
    state() {
      if (closed) return 'closed'
      if (!startedUp) return 'starting'
      return recentCrashes() >= CRASHES_IN_WINDOW ? 'crash-looping' : 'ready'
    },
    description: () => loaded,
    stats: () => ({
      workers: slots.length,
      ready: slots.filter((slot) => slot.ready).length,
      busy: slots.filter((slot) => slot.job).length,
      waiting: waiting.length,
      restarts,
    }),
    async close() {
      closed = true
      const threads = slots.map((slot) => slot.thread)
      for (const slot of slots) {
        clearTimeout(slot.timer)
        const { job } = slot
        replace(slot, 0)
        if (job) abandon(job, new Failure('Draining', 'The server shut down before the request was finished.'))
      }
      for (const job of [...waiting]) abandon(job, new Failure('Draining', 'The server is shutting down.'))
      await Promise.all(threads.map((thread) => thread?.terminate()))
    },
  }
}
