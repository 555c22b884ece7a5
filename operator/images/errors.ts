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
