import test from 'ava'
import { cloudForFile, conditionOf, endpointIn, namesIn, world } from '../world.ts'

// Serial: faults on operations meet every caller.
const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
test.afterEach.always(() => cloud.clearFaults())

test.serial('throttling is said and waited out, and the calls do not become more', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  // More often than the SDK's own three attempts.
  cloud.setFault({ operation: 'sagemaker.CreateModel', effect: 'throttle', times: 7 })
  await w.apply()
  const condition = await w.until('Throttled', (endpoint) => {
    const seen = conditionOf(endpoint, 'ModelReady')
    return seen?.reason === 'Throttled' && seen
  })
  t.is(condition.status, 'False')
  t.like(conditionOf(await w.endpoint(), 'Degraded'), { status: 'False' })
  await w.ready()
  t.is((await w.calls()).CreateModel, 8)
})

test.serial('an endpoint in service stays Ready while looks at it are throttled', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const { DescribeEndpoint: before = 0 } = await w.calls()
  cloud.setFault({ operation: 'sagemaker.DescribeEndpoint', effect: 'throttle', times: 7 })
  await w.until('more looks', async () => ((await w.calls()).DescribeEndpoint ?? 0) >= before + 9)
  const ready = conditionOf(await w.endpoint(), 'Ready')
  t.is(ready?.status, 'True')
})

for (const operation of ['CreateModel', 'CreateEndpointConfig', 'CreateEndpoint']) {
  test.serial(`the answer to ${operation} is lost, and nothing is made twice`, async (t) => {
    const w = await world()
    t.teardown(() => w.stop())
    cloud.setFault({ operation: `sagemaker.${operation}`, effect: 'drop-response', times: 1 })
    await w.apply()
    await w.ready()
    t.is((await w.calls())[operation], 2, 'the repeat, which was told that it exists')
    t.truthy(endpointIn(cloud, await w.nameInCloud()))
  })
}

test.serial('a failure of AWS in any step is waited out', async (t) => {
  for (const operation of [
    'sagemaker.CreateEndpointConfig',
    'sagemaker.DescribeEndpoint',
    'application-autoscaling.PutScalingPolicy',
    'monitoring.PutMetricAlarm',
    'ecr.BatchGetImage',
  ])
    cloud.setFault({ operation, effect: 'error', status: 500, times: 4 })
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  t.pass()
})

test.serial('a configuration that SageMaker does not see yet is waited for', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  cloud.setFault({ name: 'endpoint-config.not-visible', times: 2 })
  await w.apply()
  await w.ready()
  const calls = await w.calls()
  t.is(calls.CreateEndpoint, 3)
  t.is(calls.CreateEndpointConfig, 1)
})

test.serial('a look that answers from before the update is not taken for a rollback', async (t) => {
  const w = await world({ intervals: { inFlight: 2_000 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  await w.until('the update is sent', async () => (await w.calls()).UpdateEndpoint === 1)
  cloud.setFault({ operation: 'sagemaker.DescribeEndpoint', effect: 'stale', times: 1 })
  const { status } = await w.ready()
  t.is(status?.rollout?.result, 'Succeeded')
  t.is(status?.lastFailure, undefined)
  t.is((await w.calls()).UpdateEndpoint, 1)
})

test.serial('an update is not taken for rolled back by answers from before it, however many', async (t) => {
  const w = await world({ intervals: { inFlight: 100 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  await w.until('the update is sent', async () => (await w.calls()).UpdateEndpoint === 1)
  cloud.setFault({ operation: 'sagemaker.DescribeEndpoint', effect: 'stale', times: 6 })
  const { status } = await w.ready()
  t.is(status?.rollout?.result, 'Succeeded')
  t.false((await w.events()).some(({ reason }) => reason === 'UpdateRolledBack'))
  t.is((await w.calls()).UpdateEndpoint, 1)
})

test.serial('an answer from before the deletion for Recreate is not taken for a rollback', async (t) => {
  const w = await world({ intervals: { deleting: 1_500 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await w.patch({ spec: { environment: { MODE: 'new' }, rollout: { strategy: 'Recreate' } } })
  await w.until('the deletion', async () => (await w.calls()).DeleteEndpoint === 1)
  cloud.setFault({ operation: 'sagemaker.DescribeEndpoint', effect: 'stale', times: 2 })
  const { status } = await w.ready()
  t.is(status?.rollout?.result, 'Succeeded')
  t.is(status?.lastFailure, undefined)
  t.false((await w.events()).some(({ reason }) => reason === 'UpdateRolledBack'))
})

test.serial('a quota that is too low is said with the remedy, and tried again slowly', async (t) => {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  cloud.setFault({ name: 'endpoint.quota', times: 2 })
  await w.apply()
  const condition = await w.until('QuotaExceeded', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'QuotaExceeded' && seen
  })
  t.regex(condition.message, /^Raise the quota in Service Quotas/)
  await w.ready()
})

test.serial(
  'a look from before the endpoint was there does not let it be left behind when its object goes',
  async (t) => {
    const w = await world({ intervals: { deleting: 200 } })
    t.teardown(() => w.stop())
    await w.apply()
    await w.ready()
    const name = await w.nameInCloud()
    const message = `Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/${name}".`
    const absent = { effect: 'error', code: 'ValidationException', status: 400, message } as const
    cloud.setFault({ operation: 'sagemaker.DescribeEndpoint', ...absent, times: 2 })
    await w.remove()
    await w.gone()
    t.deepEqual(namesIn(cloud, name), [])
  },
)

test.serial('a deletion that AWS refuses keeps the finalizer until it succeeds', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  cloud.setFault({
    operation: 'sagemaker.DeleteEndpoint',
    effect: 'error',
    code: 'AccessDeniedException',
    message: 'User is not authorized to perform: sagemaker:DeleteEndpoint',
    times: 3,
  })
  await w.remove()
  const condition = await w.until('AccessDenied', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'AccessDenied' && seen
  })
  t.regex(condition.message, /^Allow the operator this call in its IAM policy/)
  t.truthy((await w.endpoint()).metadata.finalizers?.length)
  await w.gone()
  t.is(endpointIn(cloud, name), undefined)
})
