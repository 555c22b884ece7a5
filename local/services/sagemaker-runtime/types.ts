import type { Environment, Notifier, ObjectStore } from '../../service.ts'
import type { EndpointDirectory } from '../sagemaker/index.ts'

export type SagemakerRuntimeDependencies = Environment & {
  endpoints: EndpointDirectory
  objects: ObjectStore
  notifier: Notifier
  delays?: {
    /** Milliseconds of the cloud's clock between two publications of the backlog metrics. */ metricPeriod?: number
  }
  /** Within [0, 1): chooses the variant of a real-time invocation. */
  random?: () => number
}

/** One asynchronous request, from its acceptance to its end. */
export type AsyncRequest = {
  inferenceId: string
  endpointName: string
  /** s3:// or https://; undefined for an inline body. */
  inputLocation: string | undefined
  inlineBody: Uint8Array | undefined
  contentType: string | undefined
  accept: string | undefined
  customAttributes: string | undefined
  outputLocation: string | undefined
  failureLocation: string | undefined
  invocationTimeoutMs: number
  /** Milliseconds of the cloud's clock. */
  receivedAt: number
  expiresAt: number
  attempts: number
}
