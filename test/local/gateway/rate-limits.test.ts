import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch'
import { ListEndpointsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker'
import { ListTopicsCommand } from '@aws-sdk/client-sns'
import test from 'ava'
import { parseRateLimit, rateLimits } from '../../../local/rate-limits.ts'
import { cloudWithClients } from '../cloud-clients.ts'

const THROTTLED = { name: 'ThrottlingException', message: 'Rate exceeded' }

test('what exceeds the rate is refused and takes nothing; what was saved up in a pause is no more than the burst', (t) => {
  let now = 0
  const limits = rateLimits([{ calls: 'sagemaker', perSecond: 2, burst: 3 }], () => now)
  const allowed = (count: number) =>
    Array.from({ length: count }, () => limits.onCall('sagemaker', 'ListModels') === undefined).filter(Boolean).length
  t.is(allowed(10), 3)
  now += 500
  t.is(allowed(10), 1)
  now += 3_600_000
  t.is(allowed(10), 3)
  t.like(limits.list()[0], { allowed: 7, throttled: 23 })
})

test('a call passes only if every limit that fits it has room, and then takes from each', (t) => {
  const limits = rateLimits(
    [
      { calls: 'sagemaker', perSecond: 3 },
      { calls: 'sagemaker.Create*', perSecond: 1 },
      { calls: '*.DescribeAlarms', perSecond: 1 },
    ],
    () => 0,
  )
  const passes = (service: string, operation: string) => limits.onCall(service, operation) === undefined
  t.true(passes('sagemaker', 'CreateModel'))
  t.false(passes('sagemaker', 'CreateEndpoint'))
  t.true(passes('sagemaker', 'ListModels'))
  t.true(passes('sagemaker', 'ListModels'), 'the refused call took nothing')
  t.false(passes('sagemaker', 'ListModels'))
  t.true(passes('monitoring', 'DescribeAlarms'))
  t.false(passes('monitoring', 'DescribeAlarms'))
  t.true(passes('monitoring', 'PutMetricAlarm'))
})

test('a limit is written as service or operation, calls a second, and the burst', (t) => {
  t.deepEqual(parseRateLimit('sagemaker=2'), { calls: 'sagemaker', perSecond: 2 })
  t.deepEqual(parseRateLimit('sagemaker.Create*=0.5/10'), { calls: 'sagemaker.Create*', perSecond: 0.5, burst: 10 })
  for (const wrong of ['sagemaker', 'sagemaker=', 'sagemaker=0', '=2', 'sagemaker=2/0', 'SageMaker=2', 'a.b.c=2'])
    t.throws(() => parseRateLimit(wrong), undefined, wrong)
})

test('over HTTP: the SDK meets ThrottlingException, of services that speak XML too', async (t) => {
  const { cloud, aws } = await cloudWithClients(t, {
    rateLimits: [
      { calls: 'sagemaker', perSecond: 0.001, burst: 2 },
      { calls: 'sns', perSecond: 0.001 },
    ],
  })
  await aws.sagemaker.send(new ListModelsCommand({}))
  await aws.sagemaker.send(new ListEndpointsCommand({}))
  await t.throwsAsync(aws.sagemaker.send(new ListModelsCommand({})), THROTTLED)
  await aws.sns.send(new ListTopicsCommand({}))
  await t.throwsAsync(aws.sns.send(new ListTopicsCommand({})), THROTTLED)
  await aws.cloudwatch.send(new DescribeAlarmsCommand({}))
  t.deepEqual(
    cloud.calls().map(({ code }) => code),
    ['OK', 'OK', 'ThrottlingException', 'OK', 'ThrottlingException', 'OK'],
  )
  cloud.setRateLimits([])
  await aws.sagemaker.send(new ListModelsCommand({}))
})

test('limits of a running cloud are looked at, replaced and ended, and a wrong one changes nothing', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const admin = async (method: string, body?: unknown) => {
    const response = await fetch(`${cloud.url}/_local/rate-limits`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: response.status, body: (await response.json()) as unknown }
  }
  t.is((await admin('PUT', [{ calls: 'sagemaker.ListModels', perSecond: 0.001 }])).status, 200)
  t.is((await admin('PUT', [{ calls: 'sagemaker', perSecond: -1 }])).status, 400)
  t.is((await admin('PUT')).status, 400)
  await aws.sagemaker.send(new ListModelsCommand({}))
  await t.throwsAsync(aws.sagemaker.send(new ListModelsCommand({})), THROTTLED)
  t.deepEqual((await admin('GET')).body, [
    { calls: 'sagemaker.ListModels', perSecond: 0.001, allowed: 1, throttled: 1 },
  ])
  await admin('DELETE')
  await aws.sagemaker.send(new ListModelsCommand({}))
})
