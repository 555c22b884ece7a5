/** Time in the local cloud: SageMaker's own minutes, which may pass faster than the laptop's. Milliseconds throughout. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` of this clock's time; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A clock that runs `factor` times as fast as the wall clock, from now on. Factor 1 is real time. */
export function scaledClock(factor = 1): Clock {
  if (!(factor > 0 && factor <= 10_000)) throw new RangeError(`clock factor ${factor} is not within (0, 10000]`)
  const origin = Date.now()
  return {
    now: () => origin + (Date.now() - origin) * factor,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = () => {
          clearTimeout(timer)
          reject(signal?.reason)
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }, ms / factor)
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
  }
}

export type VirtualClock = Clock & {
  /** Moves time on, waking sleepers in order of their due time; each gets to run before the next is woken. */
  advance(ms: number): Promise<void>
}

/** A clock that stands still until `advance` is called: for tests of minutes-long behaviour. */
export function virtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  type Sleeper = { due: number; order: number; wake: () => void }
  const sleepers = new Set<Sleeper>()
  let now = start
  let order = 0
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = () => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const sleeper: Sleeper = {
          due: now + Math.max(0, ms),
          order: order++,
          wake: () => {
            signal?.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
    async advance(ms) {
      const end = now + ms
      for (;;) {
        await settle()
        const next = [...sleepers].filter((s) => s.due <= end).sort((a, b) => a.due - b.due || a.order - b.order)[0]
        if (!next) break
        sleepers.delete(next)
        now = Math.max(now, next.due)
        next.wake()
      }
      now = end
      await settle()
    },
  }
}
