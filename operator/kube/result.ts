/**
 * How a reconcile ended, when it did not throw: done until something changes, or to be looked at again after some milliseconds.
 * Throwing asks for a retry with backoff; TerminalError for none.
 */
export type Result = { after?: number }

export const done: Result = Object.freeze({})

/** Look again after `milliseconds`. */
export function after(milliseconds: number): Result {
  return { after: Math.max(0, milliseconds) }
}

/** An error that a retry cannot mend; only a change of the object can. Its condition is already set. */
export class TerminalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TerminalError'
  }
}
