import type {
  DeleteMessageBatchCommandInput,
  DeleteMessageBatchCommandOutput,
  Message,
  ReceiveMessageCommandInput,
  ReceiveMessageCommandOutput,
} from '@aws-sdk/client-sqs'
import type { Operation } from './call.ts'
import { within } from './call.ts'

export type EventQueueApi = {
  receiveMessage: Operation<ReceiveMessageCommandInput, ReceiveMessageCommandOutput>
  deleteMessageBatch: Operation<DeleteMessageBatchCommandInput, DeleteMessageBatchCommandOutput>
}

/** That an endpoint's state has changed, or may have: EventBridge may say it several times, late, and out of order. */
export type EndpointHint = { region: string; endpointName: string }
/** That something was pushed to a repository of Amazon ECR, or deleted there. */
export type ImageHint = { region: string; registryId: string; repository: string }
export type Hint = EndpointHint | ImageHint

/** SQS's maxima. */
const WAIT_SECONDS = 20
const BATCH = 10
/** Hints are taken in at once; what a crash left unread is seen again so soon. */
const VISIBILITY_SECONDS = 30

/** The SQS queue that EventBridge rules send endpoint state changes and image actions to. */
export function eventQueue(api: EventQueueApi, url: string) {
  return {
    /** Waits up to 20 s for messages. What is neither an endpoint's state change nor an image action is `malformed`. */
    async receive(signal: AbortSignal): Promise<{ hints: Hint[]; malformed: number; messages: Message[] }> {
      const { Messages: messages = [] } = await api.receiveMessage(
        {
          QueueUrl: url,
          WaitTimeSeconds: WAIT_SECONDS,
          MaxNumberOfMessages: BATCH,
          VisibilityTimeout: VISIBILITY_SECONDS,
        },
        within(signal),
      )
      const read = messages.map(({ Body = '' }) => hintOf(Body))
      const hints = read.filter((hint) => hint !== undefined)
      return { hints, malformed: read.length - hints.length, messages }
    },

    /** Takes them out of the queue, the malformed ones too: they would come back for ever. */
    async delete(messages: readonly Message[], signal: AbortSignal): Promise<void> {
      if (messages.length === 0) return
      await api.deleteMessageBatch(
        {
          QueueUrl: url,
          Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
        },
        within(signal),
      )
    },
  }
}

export type EventQueue = ReturnType<typeof eventQueue>

/**
 * What a message is about, be it EventBridge's event or SNS's envelope around it. Only the name is taken from it: the state is in other
 * words than the API's, and may be out of date.
 * https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export function hintOf(body: string): Hint | undefined {
  const message = json(body)
  const event =
    message?.Type === 'Notification' && typeof message.Message === 'string' ? json(message.Message) : message
  const { region, detail, account } = event ?? {}
  if (typeof region !== 'string' || !isObject(detail)) return undefined
  switch (event?.['detail-type']) {
    case 'SageMaker Endpoint State Change': {
      const { EndpointName: endpointName } = detail
      return typeof endpointName === 'string' && endpointName !== '' ? { region, endpointName } : undefined
    }
    case 'ECR Image Action': {
      const repository = detail['repository-name']
      return typeof repository === 'string' && typeof account === 'string'
        ? { region, registryId: account, repository }
        : undefined
    }
    default:
      return undefined
  }
}

/** The region that a queue's URL names; undefined for addresses that are not AWS's. */
export function regionOfQueue(url: string): string | undefined {
  return /^https:\/\/(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com/.exec(url)?.slice(1).find(Boolean)
}

function json(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
