import { Failure } from './errors.ts'
import type { Lifetime } from './lifetime.ts'

/** What happens to a request that finds a budget spent: an answer of 429 at once, or waiting until its own deadline. */
export type WhenFull = 'reject' | 'wait'

export type Budget = {
  /**
   * Takes a part of the budget, given back by calling the returned function. First come, first served. More than the whole
   * is cut down to the whole: it goes through alone.
   * @throws Failure QueueFull, or DeadlineExceeded while waiting
   */
  take(amount: number, lifetime: Lifetime): (() => void) | Promise<() => void>
  readonly taken: number
  readonly waiting: number
  /** Resolves with true when nothing is taken and nobody waits; with false when `ms` have passed before. */
  empty(ms: number): Promise<boolean>
}

type Waiter = { amount: number; grant: () => void }

/**
 * Bounds the sum of what requests hold at once: places, bytes, pixels. It is taken before the work is done, so that a flood
 * costs neither memory nor decoding.
 */
export function budget(limit: number, whenFull: WhenFull, unit: string): Budget {
  let taken = 0
  const waiters: Waiter[] = []
  const watchers = new Set<() => void>()

  function grant(amount: number): () => void {
    taken += amount
    let held = true
    return () => {
      if (!held) return
      held = false
      taken -= amount
      next()
      if (taken === 0 && waiters.length === 0) for (const wake of watchers) wake()
    }
  }

  function next(): void {
    while (waiters[0] && taken + waiters[0].amount <= limit) waiters.shift()?.grant()
  }

  function wait(amount: number, lifetime: Lifetime): Promise<() => void> {
    const { over } = lifetime
    if (over) return Promise.reject(over)
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        amount,
        grant() {
          forget()
          resolve(grant(amount))
        },
      }
      const forget = lifetime.onOver((reason) => {
        waiters.splice(waiters.indexOf(waiter), 1)
        reject(reason)
        // It may have stood before smaller ones that fit.
        next()
      })
      waiters.push(waiter)
    })
  }

  return {
    get taken() {
      return taken
    },
    get waiting() {
      return waiters.length
    },
    take(asked, lifetime) {
      const amount = Math.min(asked, limit)
      if (waiters.length === 0 && taken + amount <= limit) return grant(amount)
      if (whenFull === 'wait') return wait(amount, lifetime)
      throw new Failure('QueueFull', `The server holds all the ${unit} that it may (${limit}). Retry after a moment.`)
    },
    empty(ms) {
      if (taken === 0 && waiters.length === 0) return Promise.resolve(true)
      return new Promise((resolve) => {
        const settle = (result: boolean) => {
          clearTimeout(timer)
          watchers.delete(onEmpty)
          resolve(result)
        }
        const onEmpty = () => settle(true)
        const timer = setTimeout(() => settle(false), ms)
        watchers.add(onEmpty)
      })
    },
  }
}
