import { ApiError, type JsonObject } from '../../service.ts'
import type { InvocableEndpoint, InvocableFleet } from '../sagemaker/index.ts'
import { validationError } from './async-input.ts'
import { ConnectionLost, type ContainerResponse, InvocationTimeout, invokeContainer } from './container.ts'

const MAX_BODY_BYTES = 6_291_456
/** Real milliseconds: a container answers a real-time request within 60 seconds. */
const TIMEOUT_MS = 60_000

export type RealtimeInput = {
  EndpointName?: string
  Body?: Uint8Array
  ContentType?: string
  Accept?: string
  CustomAttributes?: string
  TargetVariant?: string
  InferenceId?: string
}

/**
 * InvokeEndpoint on a real-time endpoint.
 * @throws ApiError ValidationError, ServiceUnavailable (503), ModelError (424).
 */
export async function invokeEndpoint(
  deps: { accountId: string; region: string; random: () => number; timeoutMs?: number; signal: AbortSignal },
  endpoint: InvocableEndpoint,
  input: RealtimeInput,
): Promise<JsonObject> {
  const body = input.Body ?? new Uint8Array()
  if (body.byteLength > MAX_BODY_BYTES)
    throw validationError(`Body must have length less than or equal to ${MAX_BODY_BYTES}.`)
  const fleet = choose(endpoint, input.TargetVariant, deps.random)
  const instance = fleet?.instances[Math.floor(deps.random() * fleet.instances.length)]
  if (!fleet || instance?.port === undefined)
    throw new ApiError('ServiceUnavailable', 'No instance of the endpoint can answer now.', 503)

  const group = `/aws/sagemaker/Endpoints/${endpoint.name}`
  const modelError = (status: number, original: string) =>
    new ApiError(
      'ModelError',
      `Received ${status >= 400 && status < 500 ? 'client' : 'server'} error (${status}) from primary with message "${original}". ` +
        `See https://${deps.region}.console.aws.amazon.com/cloudwatch/home?region=${deps.region}#logEventViewer:group=${group} ` +
        `in account ${deps.accountId} for more information.`,
      424,
      {
        OriginalStatusCode: status,
        OriginalMessage: original,
        LogStreamArn: `arn:aws:logs:${deps.region}:${deps.accountId}:log-group:${group}`,
      },
    )
  let response: ContainerResponse
  try {
    response = await invokeContainer(
      instance.port,
      {
        body,
        contentType: input.ContentType,
        accept: input.Accept,
        customAttributes: input.CustomAttributes,
        inferenceId: input.InferenceId,
      },
      deps.timeoutMs ?? TIMEOUT_MS,
      deps.signal,
    )
  } catch (error) {
    if (error instanceof InvocationTimeout)
      throw modelError(
        0,
        'Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each ' +
          'container in Amazon CloudWatch, resolve the issue, and try again.',
      )
    if (error instanceof ConnectionLost) throw modelError(0, 'The container closed the connection.')
    throw error
  }
  if (response.status < 200 || response.status > 299)
    throw modelError(response.status, Buffer.from(response.body).toString())
  return {
    Body: response.body,
    ContentType: response.contentType,
    InvokedProductionVariant: fleet.variantName,
    ...(response.customAttributes === undefined ? {} : { CustomAttributes: response.customAttributes }),
  }
}

/** One of those that have instances, by its share of the traffic; of the variant asked for, where one is. */
function choose(
  endpoint: InvocableEndpoint,
  target: string | undefined,
  random: () => number,
): InvocableFleet | undefined {
  const fleets = endpoint.fleets().filter(({ variantName }) => target === undefined || variantName === target)
  if (target !== undefined && fleets.length === 0)
    throw validationError(`Variant ${target} not found for endpoint ${endpoint.name}.`)
  const able = fleets.filter(({ instances }) => instances.length > 0)
  let point = random() * able.reduce((sum, { share }) => sum + share, 0)
  for (const fleet of able) {
    point -= fleet.share
    if (point < 0) return fleet
  }
  return able.at(-1)
}
