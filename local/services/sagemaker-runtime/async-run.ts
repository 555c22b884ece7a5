import type { ObjectStore } from '../../service.ts'
import { type ContainerResponse, InvocationTimeout, invokeContainer } from './container.ts'
import type { EndpointMetrics } from './metrics.ts'
import type { Outcome } from './notifications.ts'
import { s3Uri } from './s3-uri.ts'
import type { AsyncRequest } from './types.ts'

/** SageMaker refuses an asynchronous response with longer headers. */
const MAX_HEADER_BYTES = 4096

type RunDependencies = { objects: ObjectStore; metrics: EndpointMetrics; log: (message: string) => void }

/**
 * One attempt at a request: download, invoke, upload.
 * @throws ConnectionLost when the container ended; the request may be given to another one.
 */
export async function runRequest(
  deps: RunDependencies,
  request: AsyncRequest,
  port: number | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const { metrics } = deps
  const input = await download(deps, request)
  if ('failed' in input) return fail(input.failed)
  if (port === undefined)
    return fail('ClientError: The image has no command, so no container answers on this instance.')

  let response: ContainerResponse
  const since = performance.now()
  try {
    response = await invokeContainer(port, { ...request, body: input.body }, request.invocationTimeoutMs, signal)
  } catch (error) {
    if (!(error instanceof InvocationTimeout)) throw error
    return fail(`ClientError: The model did not respond within ${request.invocationTimeoutMs / 1000} seconds.`)
  }
  metrics.value('ModelLatency', microseconds(since))
  if (response.status < 200 || response.status > 299) {
    metrics.count(response.status >= 500 ? 'Invocation5XXErrors' : 'Invocation4XXErrors')
    const error = `Received ${response.status >= 500 ? 'server' : 'client'} error (${response.status}) from`
    deps.log(`${error} primary with message "${Buffer.from(response.body).toString().slice(0, 1024)}"`)
    const reason = `ClientError: ${error} model. See the SageMaker Endpoint logs in your account for more information.`
    return fail(reason, { body: response.body, contentType: response.contentType })
  }
  const refused = refusal(response)
  if (refused) {
    deps.log(refused)
    return fail(`ClientError: ${refused}`)
  }
  const uploaded = await upload(deps, request.outputLocation, response.body, response.contentType)
  if (!uploaded) return fail(`ClientError: Failed to upload the response to ${request.outputLocation}.`)
  return { status: 'Completed', body: response.body, contentType: response.contentType }

  /** A failure leaves an object where S3FailurePath says: the container's own answer, or what went wrong before one came. */
  async function fail(reason: string, object?: { body: Uint8Array; contentType: string }): Promise<Outcome> {
    const { body, contentType } = object ?? { body: Buffer.from(reason), contentType: 'text/plain' }
    await upload(deps, request.failureLocation, body, contentType)
    if (!object) deps.log(reason)
    return { status: 'Failed', reason, body }
  }
}

function refusal(response: ContainerResponse): string | undefined {
  if (!response.hasContentLength)
    return 'The response from container primary did not specify the required Content-Length header'
  if (response.headerBytes >= MAX_HEADER_BYTES)
    return `Response received from the primary container has headers with length greater than ${MAX_HEADER_BYTES} bytes.`
  return undefined
}

async function download(
  { objects, metrics }: RunDependencies,
  request: AsyncRequest,
): Promise<{ body: Uint8Array } | { failed: string }> {
  if (request.inputLocation === undefined) return { body: request.inlineBody ?? new Uint8Array() }
  const since = performance.now()
  const object = await objects.get(s3Uri(request.inputLocation)).catch(() => undefined)
  if (!object) {
    metrics.count('RequestDownloadFailures')
    return { failed: `ClientError: Failed to download the request from ${request.inputLocation}.` }
  }
  metrics.value('RequestDownloadLatency', microseconds(since))
  return { body: object.body }
}

/** Resolves to false when S3 refused the object. */
async function upload(
  { objects, metrics }: RunDependencies,
  location: string | undefined,
  body: Uint8Array,
  contentType: string,
): Promise<boolean> {
  if (location === undefined) return true
  const since = performance.now()
  try {
    await objects.put(s3Uri(location), body, contentType)
  } catch {
    metrics.count('ResponseUploadFailures')
    return false
  }
  metrics.value('ResponseUploadLatency', microseconds(since))
  return true
}

const microseconds = (since: number) => Math.round((performance.now() - since) * 1000)
