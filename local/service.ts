import type { Clock } from './clock.ts'

/** What the gateway and the services of the local cloud agree on. */

export type JsonObject = Record<string, unknown>

/** One call, as the gateway decoded it. */
export type Call = {
  service: string
  operation: string
  region: string
  accountId: string
  /** The operation's input with the SDK's member names; timestamps are Dates, blobs are Uint8Arrays. */
  input: JsonObject
  requestId: string
}

/** An error as AWS sends it: `code` becomes `__type` and x-amzn-errortype. Everything else that is thrown becomes a 500. */
export class ApiError extends Error {
  readonly code: string
  readonly status: number
  readonly members: JsonObject
  constructor(code: string, message: string, status = 400, members: JsonObject = {}) {
    super(message)
    this.name = code
    this.code = code
    this.status = status
    this.members = members
  }
}

/** One AWS service: handlers by operation name. A missing operation is answered with UnknownOperationException. */
export type Service = {
  /** The name in the request's credential scope and in the call recorder, such as `sagemaker` or `monitoring`. */
  name: string
  operations: Record<string, (call: Call) => Promise<JsonObject> | JsonObject>
  /** Everything the service holds now, as plain JSON: for assertions and for `GET /_local/state`. */
  state(): JsonObject
  stop?(): Promise<void>
}

/** What a service holds that carries tags now: for the Resource Groups Tagging API. */
export type TagSource = { tagged(): TaggedResource[] | Promise<TaggedResource[]> }
export type TaggedResource = { arn: string; tags: { Key: string; Value: string }[] }

export type Dimensions = Record<string, string>

/** CloudWatch's side that other services write to. */
export type MetricSink = {
  put(metric: { namespace: string; name: string; dimensions: Dimensions; value: number }): void
}

/** CloudWatch Logs' side that other services write to. Creates group and stream as needed. */
export type LogSink = { append(group: string, stream: string, message: string): void }

/** What an image of the local registry runs as: a process instead of a container. */
export type LocalImage = {
  repository: string
  digest: string
  /** The program and its first arguments; SageMaker's `serve` argument is appended. */
  command: string[]
  /** Where an image without a command is answered, if anywhere. */
  port?: number
  cwd: string
  environment: Record<string, string>
}

export type ImageStore = {
  /** Finds an image by `<account>.dkr.ecr.<region>.amazonaws.com/<repository>(:tag|@digest)`. */
  find(imageUri: string): LocalImage | undefined
}

/** SageMaker's side that Application Auto Scaling drives. */
export type VariantCapacity = {
  /** Undefined where there is no such endpoint or variant. */
  describe(
    endpointName: string,
    variantName: string,
  ): { desired: number; current: number; scalable: boolean } | undefined
  /**
   * As UpdateEndpointWeightsAndCapacities by the service-linked role. Resolves once the change has ended: with SageMaker's reason
   * where it was rolled back, else with undefined. Never rejects.
   * @throws ApiError at once while the endpoint is in progress
   */
  setDesired(endpointName: string, variantName: string, count: number): Promise<string | undefined>
}

/** Application Auto Scaling's side that DeleteEndpoint uses. */
export type ScalableTargets = {
  has(endpointName: string, variantName: string): boolean
  deregister(endpointName: string): void
}

/** CloudWatch's side that deployments watch. */
export type AlarmStates = {
  /** Undefined where there is no such alarm. */
  stateOf(name: string): AlarmState | undefined
  /** Calls back whenever an alarm's state changed. Returns the way to stop it. */
  onState(listener: () => void): () => void
}
export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'

/** S3 and SNS, as the asynchronous runtime uses them. */
export type ObjectStore = {
  /** Undefined where there is no such object. */
  get(uri: string): Promise<{ body: Uint8Array; contentType?: string } | undefined>
  put(uri: string, body: Uint8Array, contentType: string): Promise<void>
}
export type Notifier = { publish(topicArn: string, message: string): Promise<void> }

export type FaultDecision = { error?: ApiError; dropConnection?: boolean; delayMs?: number }

/**
 * Named faults beyond a call's own error, asked for at the moment they would happen.
 * A fault set with `times: n` is used up by n hits.
 */
export type Faults = {
  /**
   * For instance hit('endpoint.create-fails', endpointName); the returned object is what the test or the command line set.
   * A fault that names one of the `details` meets only what has the same.
   */
  hit(name: string, subject: string, details?: { instanceType?: string }): JsonObject | undefined
}

export type Environment = {
  clock: Clock
  accountId: string
  region: string
  faults: Faults
  metrics: MetricSink
  logs: LogSink
}
