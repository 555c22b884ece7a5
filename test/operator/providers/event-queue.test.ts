import test from 'ava'
import { hintOf, regionOfQueue } from '../../../operator/providers/event-queue.ts'

const EVENT = {
  'detail-type': 'SageMaker Endpoint State Change',
  source: 'aws.sagemaker',
  time: '1583831889050',
  region: 'us-east-1',
  detail: { EndpointName: 'vision-segment-0a1b2c3d', EndpointStatus: 'IN_SERVICE' },
}
const HINT = { region: 'us-east-1', endpointName: 'vision-segment-0a1b2c3d' }

test('the endpoint is known from the event, and from SNS’s envelope around it', (t) => {
  t.deepEqual(hintOf(JSON.stringify(EVENT)), HINT)
  t.deepEqual(hintOf(JSON.stringify({ ...EVENT, time: '2026-01-01T00:00:00Z' })), HINT)
  t.deepEqual(hintOf(JSON.stringify({ Type: 'Notification', Message: JSON.stringify(EVENT) })), HINT)
})

test('whatever else is in the queue is no hint', (t) => {
  for (const wrong of [
    '',
    'null',
    '[]',
    '"text"',
    '{',
    '{}',
    JSON.stringify({ ...EVENT, 'detail-type': 'SageMaker Model State Change' }),
    JSON.stringify({ ...EVENT, detail: null }),
    JSON.stringify({ ...EVENT, detail: { EndpointName: 7 } }),
    JSON.stringify({ ...EVENT, detail: { EndpointName: '' } }),
    JSON.stringify({ ...EVENT, region: undefined }),
    JSON.stringify({ Type: 'Notification', Message: '{' }),
    JSON.stringify({ Type: 'SubscriptionConfirmation', Message: JSON.stringify(EVENT) }),
  ])
    t.is(hintOf(wrong), undefined, wrong)
})

test('a queue’s region is in its URL, in the old form too, and in no other address', (t) => {
  t.is(regionOfQueue('https://sqs.eu-west-1.amazonaws.com/123456789012/mooring'), 'eu-west-1')
  t.is(regionOfQueue('https://sqs.cn-north-1.amazonaws.com.cn/123456789012/mooring'), 'cn-north-1')
  t.is(regionOfQueue('https://eu-west-1.queue.amazonaws.com/123456789012/mooring'), 'eu-west-1')
  t.is(regionOfQueue('http://127.0.0.1:4566/000000000000/mooring'), undefined)
})
