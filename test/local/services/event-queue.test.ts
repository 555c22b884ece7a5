import { DeleteEndpointCommand } from '@aws-sdk/client-sagemaker'
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import test from 'ava'
import { eventually } from '../../operator/kube/support.ts'
import { cloudWithClients, endpointInService } from '../cloud-clients.ts'

type Event = { 'detail-type': string; time: string; resources: string[]; detail: Record<string, unknown> }

test('every state change of an endpoint arrives in the queue, in the words of EventBridge and in order', async (t) => {
  const { cloud, aws } = await cloudWithClients(t, { eventQueue: 'mooring-events' })
  await endpointInService(aws, 'Ep')
  await aws.sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'Ep' }))
  const events: Event[] = []
  await eventually('four events', async () => {
    const { Messages = [] } = await aws.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: cloud.eventQueueUrl, MaxNumberOfMessages: 10 }),
    )
    for (const { Body = '' } of Messages) events.push(JSON.parse(Body))
    return events.length >= 4
  })
  t.deepEqual(
    events.map(({ detail }) => detail.EndpointStatus),
    ['CREATING', 'IN_SERVICE', 'DELETING', 'DELETED'],
  )
  const arn = 'arn:aws:sagemaker:us-east-1:123456789012:endpoint/ep'
  t.like(events[1], { 'detail-type': 'SageMaker Endpoint State Change', source: 'aws.sagemaker', resources: [arn] })
  t.like(events[1]?.detail, {
    EndpointName: 'Ep',
    EndpointArn: arn,
    EndpointConfigName: 'Ep',
    ProductionVariants: [{ DesiredWeight: 1, DesiredInstanceCount: 1 }],
  })
  t.is(Number(events[1]?.time), Number(events[1]?.detail.LastModifiedTime))
})

test('without a queue asked for, there is none', async (t) => {
  const { cloud } = await cloudWithClients(t)
  t.is(cloud.eventQueueUrl, undefined)
})
