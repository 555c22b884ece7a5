import type { Reason } from '../api/reasons.ts'

/** Why an image cannot be used, in a sentence with the remedy. Whoever repeats the request gets the same answer. */
export class ImageError extends Error {
  readonly reason: Reason
  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ImageError'
    this.reason = reason
  }
}

/** A registry does not answer, fails, or asks for patience: what it says later may be another thing. */
export class RegistryUnavailable extends Error {
  /** How long the registry asks to be left alone, where it says, in milliseconds. */
  readonly retryAfterMs: number | undefined
  constructor(
    message: string,
    { retryAfterMs, ...options }: ErrorOptions & { retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options)
    this.name = 'RegistryUnavailable'
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Gives the work that long.
 * @throws RegistryUnavailable when it takes longer; what the work throws
 */
export async function timed<T>(
  what: string,
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(milliseconds)
  try {
    return await work(AbortSignal.any([signal, timeout]))
  } catch (cause) {
    if (!timeout.aborted || signal.aborted || cause instanceof ImageError) throw cause
    throw new RegistryUnavailable(`${what} took longer than ${milliseconds / 1000} s.`, { cause })
  }
}
