import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { FAUXQS_ACCOUNT } from './services/storage/topics.ts'

/** Events that wait to be sent; the oldest are dropped beyond, as nobody is promised every event. */
const MAX_PENDING = 10_000

export type EventQueue = {
  /** Returns at once; events arrive in their order. */
  send(event: object): void
  /** The queue's URL at the gateway. */
  urlAt(gateway: string): string
  stop(): Promise<void>
}

export type EventQueueOptions = {
  /** Where SQS is. */
  host: string
  port: number
  region: string
  /** A name, or a URL that ends with it. */
  queue: string
  onError(error: unknown, what: string): void
}

/** An SQS queue as the target of an EventBridge rule. Made where it is not there. */
export async function eventQueue({ host, port, region, queue, onError }: EventQueueOptions): Promise<EventQueue> {
  const name = queue.split('/').at(-1) ?? ''
  const sqs = new SQSClient({
    endpoint: `http://${host}:${port}`,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    // fauxqs names queues by a host that not every resolver knows.
    useQueueUrlAsEndpoint: false,
  })
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }))
  const pending: object[] = []
  let stopped = false
  let sending: Promise<void> | undefined

  const drain = async () => {
    for (let event = pending.shift(); event && !stopped; event = pending.shift()) {
      try {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(event) }))
      } catch (error) {
        onError(error, `sending an event to ${name}`)
      }
    }
    sending = undefined
  }

  return {
    send(event) {
      if (stopped) return
      if (pending.length >= MAX_PENDING) pending.shift()
      pending.push(event)
      sending ??= drain()
    },
    urlAt: (gateway) => `${gateway}/${FAUXQS_ACCOUNT}/${name}`,
    async stop() {
      stopped = true
      await sending
      sqs.destroy()
    },
  }
}
