/** Why a request got no result. Every failure that a caller may see is one of these; http/errors.ts gives each its status. */
export type FailureCode =
  | 'InvalidRequest'
  | 'InvalidParameters'
  | 'InvalidImage'
  | 'InvalidData'
  | 'InvalidPrompt'
  | 'ImageTooLarge'
  | 'BodyTooLarge'
  | 'UnknownTask'
  | 'NotAcceptable'
  | 'UnsupportedContentType'
  | 'S3Denied'
  | 'S3Failed'
  | 'QueueFull'
  | 'DeadlineExceeded'
  | 'WorkerCrashed'
  | 'ModelFailed'
  | 'NotReady'
  | 'Draining'

/** A failure with a message that is safe and useful to show to the caller. */
export class Failure extends Error {
  readonly code: FailureCode
  readonly details: readonly string[] | undefined

  constructor(code: FailureCode, message: string, options: { details?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'Failure'
    this.code = code
    this.details = options.details
  }
}
