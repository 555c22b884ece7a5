import { Failure } from './errors.ts'

export type Admission = {
  /** Takes a place, to be given back by calling the returned function; throws QueueFull when there is none. */
  enter(): () => void
  /** Requests inside, waiting or worked on. */
  readonly inside: number
  /** Resolves when nobody is inside, with true; or with false when the signal aborts first. */
  empty(signal: AbortSignal): Promise<boolean>
}

/**
 * Bounds how many requests are in the server at once. A place is taken before any work is done for the request, so that
 * a flood costs neither image decoding nor memory.
 */
export function admission(limit: number): Admission {
  let inside = 0
  const waiting = new Set<() => void>()
  return {
    get inside() {
      return inside
    },
    enter() {
      if (inside >= limit) {
        throw new Failure('QueueFull', `The server already holds ${limit} requests. Retry after a moment.`)
      }
      inside++
      let left = false
      return () => {
        if (left) return
        left = true
        inside--
        if (inside === 0) for (const wake of waiting) wake()
      }
    },
    empty(signal) {
      if (inside === 0) return Promise.resolve(true)
      return new Promise((resolve) => {
        const settle = (result: boolean) => {
          waiting.delete(onEmpty)
          signal.removeEventListener('abort', onAbort)
          resolve(result)
        }
        const onEmpty = () => settle(true)
        const onAbort = () => settle(false)
        waiting.add(onEmpty)
        signal.addEventListener('abort', onAbort, { once: true })
        if (signal.aborted) onAbort()
      })
    },
  }
}
