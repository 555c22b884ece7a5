import type { AsyncInferenceConfig } from '@aws-sdk/client-sagemaker'
import type { Notifier } from '../../service.ts'
import type { AsyncRequest } from './types.ts'

/** Above this the response is left out of the message, whatever the configuration asks for. */
const MAX_INCLUDED_BYTES = 128 * 1024

export type Outcome =
  | { status: 'Completed'; body: Uint8Array; contentType: string }
  | { status: 'Failed'; reason: string; body: Uint8Array | undefined }

/** The message of one finished request, in the shape that AWS publishes. Times in milliseconds since the epoch. */
export function inferenceResult(options: {
  region: string
  request: AsyncRequest
  outcome: Outcome
  now: number
  includeResponse: boolean
}): object {
  const { request, outcome } = options
  const { body } = outcome
  return {
    awsRegion: options.region,
    eventTime: new Date(options.now).toISOString(),
    receivedTime: new Date(request.receivedAt).toISOString(),
    invocationStatus: outcome.status,
    ...(outcome.status === 'Failed' ? { failureReason: outcome.reason } : {}),
    requestParameters: {
      ...(request.accept === undefined ? {} : { accept: request.accept }),
      ...(request.contentType === undefined ? {} : { contentType: request.contentType }),
      endpointName: request.endpointName,
      ...(request.inputLocation === undefined ? {} : { inputLocation: request.inputLocation }),
    },
    ...responseParameters(request, outcome),
    ...(options.includeResponse && body && body.byteLength <= MAX_INCLUDED_BYTES
      ? {
          responseBody: {
            content: Buffer.from(body).toString('base64'),
            message: 'Check S3 path location(if configured) or Cloudwatch for additional details.',
            encoding: 'BASE64',
          },
        }
      : {}),
    inferenceId: request.inferenceId,
    eventVersion: '1.0',
    eventSource: 'aws:sagemaker',
    eventName: 'InferenceResult',
  }
}

function responseParameters(request: AsyncRequest, outcome: Outcome): object {
  if (outcome.status === 'Completed')
    return {
      responseParameters: {
        contentType: outcome.contentType,
        ...(request.outputLocation === undefined ? {} : { outputLocation: request.outputLocation }),
      },
    }
  if (request.failureLocation === undefined || outcome.body === undefined) return {}
  return { responseParameters: { failureLocation: request.failureLocation } }
}

/** Publishes a request's outcome to the topic that is configured for it. Resolves to false when SNS refused it. */
export async function notify(
  notifier: Notifier,
  config: AsyncInferenceConfig,
  message: Omit<Parameters<typeof inferenceResult>[0], 'includeResponse'>,
): Promise<boolean> {
  const topics = config.OutputConfig?.NotificationConfig
  const succeeded = message.outcome.status === 'Completed'
  const topic = succeeded ? topics?.SuccessTopic : topics?.ErrorTopic
  if (topic === undefined) return true
  const include = succeeded ? 'SUCCESS_NOTIFICATION_TOPIC' : 'ERROR_NOTIFICATION_TOPIC'
  const includeResponse = topics?.IncludeInferenceResponseIn?.includes(include) ?? false
  try {
    await notifier.publish(topic, JSON.stringify(inferenceResult({ ...message, includeResponse })))
    return true
  } catch {
    return false
  }
}
