/** A refusal by the API server. It carries the code and the reason only: bodies and headers stay out of logs. */
export class KubeError extends Error {
  /** The HTTP status. */
  readonly code: number
  /** The Status object's reason, such as Conflict or Expired. */
  readonly reason: string
  /** Milliseconds from the Retry-After header. */
  readonly retryAfter: number | undefined
  constructor(code: number, reason: string, message: string, retryAfter?: number) {
    super(message)
    this.name = 'KubeError'
    this.code = code
    this.reason = reason
    this.retryAfter = retryAfter
  }
}

const has = (code: number) => (error: unknown) => error instanceof KubeError && error.code === code

export const isNotFound = has(404)
/** The object changed since it was read, or exists already. */
export const isConflict = has(409)
/** The resourceVersion or the continue token is too old: list again. */
export const isGone = has(410)

/** How long the API server asked to be left alone, in milliseconds. */
export function retryAfter(error: unknown): number | undefined {
  return error instanceof KubeError ? error.retryAfter : undefined
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')
}
