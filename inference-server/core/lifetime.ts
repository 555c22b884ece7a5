import { Failure } from './errors.ts'

/**
 * How long the answer to a request is wanted: until its deadline, or until its caller leaves. A class of its own in place of
 * AbortSignal.timeout, of which thousands a second cost more than the rest of a small request.
 */
export class Lifetime {
  #end: 'deadline' | 'departed' | 'done' | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #listeners = new Set<(reason: Failure) => void>()

  /** Milliseconds until the deadline. */
  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#finish('deadline'), ms)
    // A deadline alone is no reason for a process to go on.
    this.#timer.unref()
  }

  /** Why the answer is no longer wanted; undefined while it is. */
  get over(): Failure | undefined {
    if (this.#end === 'deadline')
      return new Failure('DeadlineExceeded', 'The request was not finished by its deadline.')
    if (this.#end === 'departed') return new Failure('DeadlineExceeded', 'The caller left.')
    return undefined
  }

  /** The caller is gone, though the deadline has not passed. */
  get departed(): boolean {
    return this.#end === 'departed'
  }

  /** Calls back once, when the deadline passes or the caller leaves; the function returned takes that back. */
  onOver(listener: (reason: Failure) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** An AbortSignal for libraries that want one. */
  signal(): AbortSignal {
    const controller = new AbortController()
    const { over } = this
    if (over) controller.abort(over)
    else this.onOver((reason) => controller.abort(reason))
    return controller.signal
  }

  /** The caller's connection is gone. */
  leave(): void {
    this.#finish('departed')
  }

  /** The answer is given: nothing is called back any more. */
  end(): void {
    this.#end ??= 'done'
    clearTimeout(this.#timer)
    this.#listeners.clear()
  }

  #finish(end: 'deadline' | 'departed'): void {
    if (this.#end) return
    this.#end = end
    clearTimeout(this.#timer)
    const reason = this.over as Failure
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener(reason)
  }
}
