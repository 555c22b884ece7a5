import type { Failure } from '../core/errors.ts'
import type { Lifetime } from '../core/lifetime.ts'
import type { BatchLimit } from './batch-limit.ts'

/** One thing for a worker to do, and whom to tell. */
export type Job = {
  operation: string
  payload: unknown
  lifetime: Lifetime
  transfer: readonly ArrayBuffer[]
  batch: Batch | undefined
  /** Monotonic milliseconds. */
  arrived: number
  settled: boolean
  onTimes: ((waited: number, ran: number) => void) | undefined
  succeed: (result: unknown) => void
  fail: (failure: Failure) => void
}

/** What a job brings to a batch of its key: so many items, of which a batch has as many as `limit` says, where not the pool's own. */
export type Batch = { key: string; items: number; limit?: BatchLimit }

export type Batching = {
  /** Items in one batch, unless a single job has more. */
  limit: BatchLimit
  merge: Merge
  /** How long a job may wait for others while a worker is free; 0: a batch is what waits when a worker frees. */
  delayMs: number
}

/** How the payloads of a batch become one message, and its result theirs again. */
export type Merge = {
  join(payloads: readonly unknown[]): { payload: unknown; transfer: readonly ArrayBuffer[] }
  /** @throws Error when the result has no part for each: they are then run one by one */
  split(result: unknown, payloads: readonly unknown[]): unknown[]
}

export type JobQueue = {
  add(job: Job): void
  /** Jobs of a batch that broke: they go first, and each alone. */
  putBack(jobs: readonly Job[]): void
  remove(job: Job): void
  /** The next batch for a free worker; undefined when nothing waits, or it may still grow. */
  take(): Job[] | undefined
  clear(): Job[]
  /** What the job that waits for longest brings to a batch. */
  readonly head: Batch | undefined
  readonly length: number
}

/** Waiting jobs, first come first served; those of one batch key leave together. `wake` is called when a batch may be taken. */
export function jobQueue({ limit, delayMs }: Omit<Batching, 'merge'>, now: () => number, wake: () => void): JobQueue {
  let waiting: Job[] = []
  let timer: NodeJS.Timeout | undefined

  const mostItems = (batch: Batch) => (batch.limit ?? limit).items(batch.key)

  function batchOf(head: Job): Job[] {
    if (!head.batch) return [head]
    const maxItems = mostItems(head.batch)
    const batch = [head]
    let items = head.batch.items
    for (let at = 1; at < waiting.length && items < maxItems; at++) {
      const job = waiting[at]
      if (job?.batch?.key !== head.batch.key || items + job.batch.items > maxItems) continue
      items += job.batch.items
      batch.push(job)
    }
    return batch
  }

  return {
    get head() {
      return waiting[0]?.batch
    },
    get length() {
      return waiting.length
    },
    add(job) {
      waiting.push(job)
      // A free worker begins at once, with this job alone: to wait for others that may be on their way keeps it idle, and the
      // callers in step, which halves what a few of them get done.
      wake()
    },
    putBack(jobs) {
      const live = jobs.filter((job) => !job.settled)
      for (const job of live) job.batch = undefined
      waiting.unshift(...live)
    },
    remove(job) {
      const at = waiting.indexOf(job)
      if (at >= 0) waiting.splice(at, 1)
    },
    take() {
      const [head] = waiting
      if (!head) return undefined
      const batch = batchOf(head)
      if (delayMs > 0 && head.batch) {
        const items = batch.reduce((sum, { batch: part }) => sum + (part?.items ?? 1), 0)
        const left = head.arrived + delayMs - now()
        if (items < mostItems(head.batch) && left > 0) {
          timer ??= setTimeout(() => {
            timer = undefined
            wake()
          }, left)
          return undefined
        }
      }
      if (batch.length === 1) waiting.shift()
      else if (batch.length === waiting.length) waiting = []
      else {
        const taken = new Set(batch)
        waiting = waiting.filter((job) => !taken.has(job))
      }
      return batch
    },
    clear() {
      clearTimeout(timer)
      const all = waiting
      waiting = []
      return all
    },
  }
}
