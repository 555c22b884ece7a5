import { fairQueue } from './fair-queue.ts'

export type WorkqueueOptions = {
  /** The first retry's delay, in milliseconds. */
  baseDelayMs?: number
  maxDelayMs?: number
  /** Uniform in [0, 1). */
  random?: () => number
}

export type Workqueue = {
  /** Asks for the key to be worked on. A key that is waiting is not added twice; one in work is worked on again afterwards. */
  add(key: string): void
  addAfter(key: string, milliseconds: number): void
  /** Adds after a delay that doubles each time, until `forget`, and is `atLeast` so long. Answers that delay, in milliseconds. */
  addRateLimited(key: string, atLeast?: number): number
  /** Ends the key's backoff: it went well. */
  forget(key: string): void
  /** How often the key was added rate-limited since it was last forgotten. */
  retries(key: string): number
  /** The next key, when there is one: namespaces take turns. Undefined after shutdown. The same key is never given out twice at once. */
  get(): Promise<string | undefined>
  /** The key's work is over. */
  done(key: string): void
  /** Keys ready to be worked on. */
  depth(): number
  shutdown(): void
}

const BASE_DELAY_MS = 500
/** A step that cannot succeed yet is looked at every few minutes, not hours: the remedy may come from outside the cluster. */
const MAX_DELAY_MS = 5 * 60_000
const JITTER = 0.2
/** Node fires a timer that is longer than this at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** client-go's workqueue: deduplicated, one worker a key, with delayed and rate-limited adding; and fair to each namespace. */
export function workqueue(options: WorkqueueOptions = {}): Workqueue {
  const { baseDelayMs = BASE_DELAY_MS, maxDelayMs = MAX_DELAY_MS, random = Math.random } = options
  const ready = fairQueue()
  const dirty = new Set<string>()
  const processing = new Set<string>()
  const waiters: ((key: string | undefined) => void)[] = []
  const timers = new Map<string, { due: number; timer: NodeJS.Timeout }>()
  const failures = new Map<string, number>()
  let closed = false

  const hand = () => {
    while (waiters.length > 0) {
      const key = ready.shift()
      if (key === undefined) return
      dirty.delete(key)
      processing.add(key)
      waiters.shift()?.(key)
    }
  }

  const add = (key: string) => {
    if (closed || dirty.has(key)) return
    dirty.add(key)
    // A key in work waits in `dirty` alone; done() queues it.
    if (processing.has(key)) return
    ready.push(key)
    hand()
  }

  const addAfter = (key: string, milliseconds: number) => {
    if (closed) return
    if (milliseconds <= 0) return add(key)
    const wait = Math.min(milliseconds, MAX_TIMER_MS)
    const due = performance.now() + wait
    const waiting = timers.get(key)
    if (waiting && waiting.due <= due) return
    clearTimeout(waiting?.timer)
    const timer = setTimeout(() => {
      timers.delete(key)
      add(key)
    }, wait)
    timers.set(key, { due, timer })
  }

  return {
    add,
    addAfter,
    addRateLimited(key, atLeast = 0) {
      const retries = failures.get(key) ?? 0
      failures.set(key, retries + 1)
      const delay = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(retries, 30))
      const wait = Math.min(maxDelayMs, Math.max(atLeast, delay * (1 - JITTER * random())))
      addAfter(key, wait)
      return wait
    },
    forget: (key) => void failures.delete(key),
    retries: (key) => failures.get(key) ?? 0,
    get() {
      if (closed) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        waiters.push(resolve)
        hand()
      })
    },
    done(key) {
      processing.delete(key)
      if (!dirty.has(key) || closed) return
      ready.push(key)
      hand()
    },
    depth: ready.size,
    shutdown() {
      closed = true
      for (const { timer } of timers.values()) clearTimeout(timer)
      timers.clear()
      ready.clear()
      dirty.clear()
      for (const resolve of waiters.splice(0)) resolve(undefined)
    },
  }
}
