import type { Clock } from '../../local/clock.ts'

/** Real time that can be moved forward at once, for the local cloud and for the operator. */
export type JumpingClock = Clock & { jump(ms: number): void }

export function jumpingClock(): JumpingClock {
  type Sleeper = { due: number; timer: NodeJS.Timeout; wake: () => void }
  const sleepers = new Set<Sleeper>()
  let offset = 0
  const now = () => Date.now() + offset
  const arm = (sleeper: Omit<Sleeper, 'timer'>) => setTimeout(sleeper.wake, Math.max(0, sleeper.due - now()))
  return {
    now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const end = (settle: () => void) => () => {
          clearTimeout(sleeper.timer)
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', onAbort)
          settle()
        }
        const onAbort = end(() => reject(signal?.reason))
        const waiting = { due: now() + ms, wake: end(resolve) }
        const sleeper: Sleeper = { ...waiting, timer: arm(waiting) }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
    jump(ms) {
      offset += ms
      for (const sleeper of sleepers) {
        clearTimeout(sleeper.timer)
        sleeper.timer = arm(sleeper)
      }
    },
  }
}
