import { Worker } from 'node:worker_threads'
import { Failure } from '../core/errors.ts'
import type { Lifetime } from '../core/lifetime.ts'
import { type BatchLimit, fixedBatchLimit } from './batch-limit.ts'
import type { FromWorker, Outcome, ToWorker } from './messages.ts'
import { type Batch, type Batching, type Job, jobQueue } from './queue.ts'

/** Three crashes within a minute are no accident: /ping then fails, and SageMaker replaces the instance. */
const CRASH_WINDOW_MS = 60_000
const CRASHES_IN_WINDOW = 3
const RESPAWN_DELAY_MS = [0, 200, 1_000, 5_000] as const

/** No job has a batch where none is configured. */
const UNBATCHED: Batching = {
  limit: fixedBatchLimit(1),
  delayMs: 0,
  merge: { join: ([payload]) => ({ payload, transfer: [] }), split: (result) => [result] },
}

type OperationTable = Record<string, { payload: unknown; result: unknown }>

export type RunOptions = {
  /** A job that waits when this is over is dropped; one that runs past its deadline is killed with its worker. */
  lifetime: Lifetime
  /** Memory that moves to the worker instead of being copied. */
  transfer?: readonly ArrayBuffer[]
  /** Waiting jobs of one key share a message. */
  batch?: Batch
  /** Told of the milliseconds that the job waited for a worker, and that its batch ran. */
  onTimes?: (waited: number, ran: number) => void
}

export type PoolState = 'starting' | 'ready' | 'crash-looping' | 'closed'

export type PoolStats = { workers: number; ready: number; busy: number; waiting: number; restarts: number }

export type Pool<Operations extends OperationTable> = {
  /** Resolves when every worker is ready; rejects when they cannot work. */
  start(): Promise<void>
  /** Runs one operation on the next free worker, first come first served. Rejects with a Failure. */
  run<Name extends keyof Operations & string>(
    operation: Name,
    payload: Operations[Name]['payload'],
    options: RunOptions,
  ): Promise<Operations[Name]['result']>
  /** Runs one operation on every worker; workers started later are told by their data. */
  everywhere<Name extends keyof Operations & string>(
    operation: Name,
    payload: Operations[Name]['payload'],
    lifetime: Lifetime,
  ): Promise<Operations[Name]['result'][]>
  state(): PoolState
  /** What the workers said of themselves when they became ready. */
  description(): unknown
  stats(): PoolStats
  close(): Promise<void>
}

export type PoolOptions = {
  worker: URL
  /** What each worker is started with, asked for whenever one is. */
  workerData: () => unknown
  size: number
  /** Monotonic milliseconds. */
  now: () => number
  batching?: Batching
  /** Told how many jobs share each message. */
  onBatch?: (jobs: number) => void
  onEvent?: (event: 'worker-ready' | 'worker-crashed' | 'worker-killed', details: { message?: string }) => void
}

type Slot = {
  thread: Worker | undefined
  ready: boolean
  running: { id: number; jobs: Job[]; since: number } | undefined
  timer?: NodeJS.Timeout
}

/**
 * A fixed number of worker threads. `session.run` of onnxruntime-node blocks the thread it is called on, so that it must
 * never be called on the main one; and it cannot be cancelled, so that a deadline can only be kept by ending the thread.
 */
export function workerPool<Operations extends OperationTable>(options: PoolOptions): Pool<Operations> {
  const slots: Slot[] = Array.from({ length: options.size }, () => ({
    thread: undefined,
    ready: false,
    running: undefined,
  }))
  const batching = options.batching ?? UNBATCHED
  const queue = jobQueue(batching, options.now, dispatch)
  const started = Promise.withResolvers<void>()
  let crashes: number[] = []
  let restarts = 0
  let nextId = 1
  let description: unknown
  let startedUp = false
  let closed = false

  function spawn(slot: Slot): void {
    const thread = new Worker(options.worker, { workerData: options.workerData() })
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
      description = message.description
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
    } else if (slot.running?.id === message.id) {
      const { jobs, since } = slot.running
      slot.running = undefined
      done(jobs, since, message)
    }
  }

  function done(jobs: Job[], since: number, { outcome, ms }: FromWorker & { type: 'done' }): void {
    if (!outcome.ok && jobs.length > 1) {
      // One request's mistake is not the others': each is run alone.
      queue.putBack(jobs)
      dispatch()
      return
    }
    if (outcome.ok) learn(jobs, ms)
    // The next batch first: the device should not wait for what is made of the last one.
    dispatch()
    try {
      const results = outcome.ok ? resultsOf(jobs, outcome.result) : []
      for (const [at, job] of jobs.entries()) {
        job.onTimes?.(since - job.arrived, ms)
        settle(job, outcome.ok ? { ok: true, result: results[at] } : outcome)
      }
    } catch (error) {
      if (jobs.length === 1) settle(jobs[0], { ok: false, message: String(error) })
      const batch = jobs[0]?.batch
      if (batch) limitOf(batch).forbid(batch.key)
      queue.putBack(jobs)
      dispatch()
    }
  }

  function resultsOf(jobs: readonly Job[], result: unknown): unknown[] {
    if (!jobs[0]?.batch) return [result]
    return batching.merge.split(
      result,
      jobs.map(({ payload }) => payload),
    )
  }

  /** How long a batch took says how large the next may be. */
  function learn(jobs: readonly Job[], ms: number): void {
    const items = jobs.reduce((sum, { batch }) => sum + (batch?.items ?? 0), 0)
    const batch = jobs[0]?.batch
    if (batch && items > 0) limitOf(batch).observe(batch.key, items, ms)
  }

  function limitOf(batch: Batch): BatchLimit {
    return batch.limit ?? batching.limit
  }

  function crashed(slot: Slot, message: string): void {
    crashes.push(options.now())
    options.onEvent?.('worker-crashed', { message })
    if (!startedUp) {
      slot.thread = undefined
      started.reject(new Error(`worker crashed while loading: ${message}`))
      return
    }
    const jobs = replace(slot, RESPAWN_DELAY_MS[Math.min(recentCrashes(), RESPAWN_DELAY_MS.length) - 1] ?? 0)
    if (jobs.length === 1) {
      jobs[0]?.fail(new Failure('WorkerCrashed', 'The process that ran the model ended unexpectedly.'))
    } else {
      // One of them may be to blame, and each then meets it alone: the others must not suffer for it.
      queue.putBack(jobs)
    }
    dispatch()
  }

  /** Ends a slot's thread and starts another later; gives the jobs that it was working on. */
  function replace(slot: Slot, delay: number): Job[] {
    const jobs = slot.running?.jobs ?? []
    slot.thread = undefined
    slot.ready = false
    slot.running = undefined
    if (!closed) {
      restarts++
      slot.timer = setTimeout(() => spawn(slot), delay)
    }
    return jobs
  }

  function recentCrashes(): number {
    const since = options.now() - CRASH_WINDOW_MS
    crashes = crashes.filter((time) => time > since)
    return crashes.length
  }

  function dispatch(): void {
    for (const slot of slots) {
      if (!slot.ready || slot.running || !slot.thread) continue
      if (isSoonTaken(queue.head)) return
      const jobs = queue.take()
      if (!jobs) return
      start(slot, slot.thread, jobs)
    }
  }

  /** Whether a worker that runs the like will be back before another has woken; its next batch is then the larger. */
  function isSoonTaken(head: Batch | undefined): boolean {
    if (!head || !limitOf(head).quick(head.key)) return false
    return slots.some(({ running }) => running?.jobs[0]?.batch?.key === head.key)
  }

  function start(slot: Slot, thread: Worker, jobs: Job[]): void {
    const id = nextId++
    options.onBatch?.(jobs.length)
    slot.running = { id, jobs, since: options.now() }
    try {
      const { operation, payload, transfer } = messageOf(jobs)
      thread.postMessage({ id, operation, payload } satisfies ToWorker, [...transfer])
    } catch (cause) {
      // What cannot be cloned is a mistake in a task; the worker has seen nothing of it.
      slot.running = undefined
      for (const job of jobs) job.fail(new Failure('ModelFailed', 'The request could not be processed.', { cause }))
    }
  }

  function messageOf(jobs: readonly Job[]): Pick<Job, 'operation' | 'payload' | 'transfer'> {
    const [head] = jobs
    if (!head) throw new RangeError('a batch has at least one job')
    if (!head.batch) return head
    return { operation: head.operation, ...batching.merge.join(jobs.map(({ payload }) => payload)) }
  }

  function over(job: Job, reason: Failure): void {
    const slot = slots.find((each) => each.running?.jobs.includes(job))
    if (slot) {
      // A caller that left does not end a run, since others may wait behind it; the deadline does, once nobody in the batch waits.
      if (job.lifetime.departed) return
      job.fail(reason)
      if (slot.running?.jobs.some((each) => !each.settled)) return
      const { thread } = slot
      replace(slot, 0)
      options.onEvent?.('worker-killed', { message: `${job.operation} ran past its deadline` })
      void thread?.terminate()
    } else {
      queue.remove(job)
      job.fail(reason)
    }
  }

  function submit(operation: string, payload: unknown, run: RunOptions, place: (job: Job) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (closed) return reject(new Failure('Draining', 'The server is shutting down.'))
      const { over: reason } = run.lifetime
      if (reason) return reject(reason)
      const end = (act: () => void) => {
        if (job.settled) return
        job.settled = true
        forget()
        act()
      }
      const job: Job = {
        operation,
        payload,
        lifetime: run.lifetime,
        transfer: run.transfer ?? [],
        batch: run.batch,
        arrived: options.now(),
        settled: false,
        onTimes: run.onTimes,
        succeed: (result) => end(() => resolve(result)),
        fail: (failure) => end(() => reject(failure)),
      }
      const forget = run.lifetime.onOver((failure) => over(job, failure))
      place(job)
    })
  }

  return {
    async start() {
      for (const slot of slots) spawn(slot)
      await started.promise
    },
    run(operation, payload, run) {
      return submit(operation, payload, run, (job) => queue.add(job)) as Promise<never>
    },
    everywhere(operation, payload, lifetime) {
      return Promise.all(
        slots.map((slot) =>
          submit(operation, payload, { lifetime }, (job) => {
            if (slot.thread && slot.ready && !slot.running) start(slot, slot.thread, [job])
            else job.fail(new Failure('NotReady', 'A worker was not idle.'))
          }),
        ),
      ) as Promise<never>
    },
    state() {
      if (closed) return 'closed'
      if (!startedUp) return 'starting'
      return recentCrashes() >= CRASHES_IN_WINDOW ? 'crash-looping' : 'ready'
    },
    description: () => description,
    stats: () => ({
      workers: slots.length,
      ready: slots.filter((slot) => slot.ready).length,
      busy: slots.filter((slot) => slot.running).length,
      waiting: queue.length,
      restarts,
    }),
    async close() {
      closed = true
      const threads = slots.map((slot) => slot.thread)
      for (const slot of slots) {
        clearTimeout(slot.timer)
        for (const job of replace(slot, 0)) {
          job.fail(new Failure('Draining', 'The server shut down before the request was finished.'))
        }
      }
      for (const job of queue.clear()) job.fail(new Failure('Draining', 'The server is shutting down.'))
      started.reject(new Failure('Draining', 'The server is shutting down.'))
      started.promise.catch(() => {})
      await Promise.all(threads.map((thread) => thread?.terminate()))
    },
  }
}

function settle(job: Job | undefined, outcome: Outcome): void {
  if (!job) return
  if (outcome.ok) job.succeed(outcome.result)
  else if (outcome.failure) {
    const { code, message, details } = outcome.failure
    job.fail(new Failure(code, message, details ? { details } : {}))
  } else {
    job.fail(new Failure('ModelFailed', 'The model could not process this request.', { cause: outcome.message }))
  }
}
