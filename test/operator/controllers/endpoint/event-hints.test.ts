import { DeleteEndpointCommand, SageMakerClient } from '@aws-sdk/client-sagemaker'
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import test from 'ava'
import { eventually } from '../../kube/support.ts'
import { cloudForFile, endpointIn, isTrue, world } from '../world.ts'

const HOUR_MS = 3_600_000

test.serial(
  'an endpoint deleted by somebody else is noticed by an event, long before the next sweep; malformed messages are taken out and harm nothing',
  async (t) => {
    const cloud = await cloudForFile({ eventQueue: 'mooring' })
    const QueueUrl = cloud.eventQueueUrl ?? ''
    const sqs = new SQSClient({})
    const sagemaker = new SageMakerClient({})
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'not an event' }))
    const w = await world({
      intervals: { settled: HOUR_MS, verify: HOUR_MS },
      environment: { MOORING_EVENT_QUEUE_URL: QueueUrl },
    })
    t.teardown(async () => {
      await w.stop()
      sqs.destroy()
      sagemaker.destroy()
      await cloud.stop()
    })
    await w.apply()
    await w.ready()
    const name = await w.nameInCloud()
    const first = endpointIn(cloud, name)?.CreationTime
    await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }))
    await w.until('another endpoint', (endpoint) => {
      const now = endpointIn(cloud, name)?.CreationTime
      return isTrue(endpoint, 'Ready') && now !== undefined && now !== first
    })
    await eventually('an empty queue', async () => {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      )
      return Object.values(Attributes).every((count) => count === '0')
    })
    t.pass()
  },
)

test.serial('a queue that cannot be read is tried again, and nothing else waits for it', async (t) => {
  const cloud = await cloudForFile({ eventQueue: 'mooring' })
  cloud.setFault({ operation: 'sqs.ReceiveMessage', effect: 'error', code: 'AccessDeniedException', times: 2 })
  const w = await world({
    intervals: { settled: HOUR_MS },
    environment: { MOORING_EVENT_QUEUE_URL: cloud.eventQueueUrl ?? '' },
  })
  t.teardown(async () => {
    await w.stop()
    await cloud.stop()
  })
  await w.apply()
  await w.ready()
  await eventually('a read queue', async () => ((await w.calls()).DeleteMessageBatch ?? 0) > 0)
  t.pass()
})
