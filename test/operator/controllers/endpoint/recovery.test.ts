import { join } from 'node:path'
import test from 'ava'
import { cloudForFile, conditionOf, endpointIn, IMAGE, isTrue, namesIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const ECHO = join(import.meta.dirname, '..', '..', '..', 'local', 'fixtures', 'echo-server.ts')
const QUICK = { recovery: { maxAttempts: 3, backoffSeconds: 1, maxBackoffSeconds: 1, resetAfterSeconds: 0 } }

test('an endpoint that fails in service is deleted and created again, and says why it failed', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: QUICK })
  await w.ready()
  const name = await w.nameInCloud()
  const first = endpointIn(cloud, name)
  cloud.setFault({ name: 'endpoint.fails-in-service', subject: name, times: 1 })
  const failed = await w.until('the failure is noted', ({ status }) => status?.lastFailure)
  t.regex(failed.reason, /did not pass the ping health check/)
  t.false(failed.permanent)
  await w.until('attempt 1', ({ status }) => status?.recovery?.attempts === 1)
  const again = await w.ready()
  t.not(endpointIn(cloud, name)?.CreationTime, first?.CreationTime)
  await w.until('attempts are counted anew', ({ status }) => status?.recovery?.attempts === 0)
  t.truthy(again.status?.lastFailure, 'the failure is kept to be read')
  const events = await w.events()
  t.true(events.some(({ type, reason }) => type === 'Warning' && reason === 'EndpointFailed'))
  t.true(events.some(({ reason }) => reason === 'EndpointRecreating'))
  const { RegisterScalableTarget } = await w.calls()
  t.is(RegisterScalableTarget, 2, 'scaling went with the endpoint and came back with it')
})

test('an endpoint that keeps failing is given up after its attempts, and tried again on the retry annotation', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { recovery: { ...QUICK.recovery, maxAttempts: 1 } }, withoutImage: true })
  cloud.setFault({
    name: 'endpoint.create-fails',
    subject: await w.nameInCloud(),
    reason: 'Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.',
    times: 2,
  })
  await w.applyImage()
  const condition = await w.until('RecoveryExhausted', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'RecoveryExhausted' && seen
  })
  t.regex(condition.message, /failed 2 times in a row.*mooring\.dev\/retry/)
  t.is((await w.calls()).CreateEndpoint, 2)
  t.like(conditionOf(await w.endpoint(), 'Degraded'), { status: 'True', reason: 'RecoveryExhausted' })
  await w.annotate({ 'mooring.dev/retry': '1' })
  await w.ready()
  t.is((await w.calls()).CreateEndpoint, 3)
})

test('a cause that would only repeat itself is not tried again until something changes', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply({ spec: QUICK, withoutImage: true })
  cloud.setFault({
    name: 'endpoint.create-fails',
    subject: await w.nameInCloud(),
    reason: `The role 'arn:aws:iam::123456789012:role/r' does not have BatchGetImage permission for the image: 'x'.`,
    times: 1,
  })
  await w.applyImage()
  const condition = await w.until('ImagePullDenied', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'ImagePullDenied' && endpoint.status?.lastFailure?.permanent && seen
  })
  t.regex(condition.message, /Let the execution role, and the repository's policy, pull the image\./)
  const describes = (await w.calls()).DescribeEndpoint ?? 0
  await w.until('several more looks', async () => ((await w.calls()).DescribeEndpoint ?? 0) >= describes + 4)
  const calls = await w.calls()
  t.is(calls.CreateEndpoint, 1)
  t.is(calls.DeleteEndpoint, undefined)
  await w.patch({ spec: { environment: { FIXED: 'yes' } } })
  const { status } = await w.ready()
  t.is(status?.recovery?.attempts, 0)
})

test('an endpoint deleted by somebody else is created again, with its scaling', async (t) => {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  const first = endpointIn(cloud, name)
  const { DeleteEndpointCommand, SageMakerClient } = await import('@aws-sdk/client-sagemaker')
  await new SageMakerClient().send(new DeleteEndpointCommand({ EndpointName: name }))
  await w.until('another endpoint, with scaling', async () => {
    const { RegisterScalableTarget } = await w.calls()
    return endpointIn(cloud, name)?.CreationTime !== first?.CreationTime && RegisterScalableTarget === 2
  })
  await w.ready()
  t.true((await w.events()).some(({ reason }) => reason === 'EndpointMissing'))
})

test('a new digest behind the tag is rolled out, and what no revision that is kept needs is deleted', async (t) => {
  const repository = 'moving'
  cloud.registerImage({ ...IMAGE, repository })
  const w = await world()
  t.teardown(() => w.stop())
  await w.applyImage(`123456789012.dkr.ecr.us-east-1.amazonaws.com/${repository}:1.0.0`)
  await w.apply({ spec: { rollout: { revisionHistoryLimit: 0 } }, withoutImage: true })
  const before = await w.ready()
  cloud.registerImage({ ...IMAGE, repository, labels: { fixed: 'yes' } })
  // A change of the ModelImage makes it look at once; otherwise it looks every resolveIntervalSeconds, a minute at least.
  await w.kube.mergePatch(
    { group: 'mooring.dev', version: 'v1alpha1', plural: 'modelimages', kind: 'ModelImage', namespaced: true },
    { namespace: w.namespace, name: 'sam-lite' },
    { spec: { resolveIntervalSeconds: 60 } },
  )
  const after = await w.until('Ready with another image', (endpoint) => {
    return endpoint.status?.image !== before.status?.image && isTrue(endpoint, 'Ready') && endpoint
  })
  t.not(after.status?.modelName, before.status?.modelName)
  const calls = await w.calls()
  t.like(calls, { CreateEndpoint: 1, UpdateEndpoint: 1, DeleteModel: 1, DeleteEndpointConfig: 1 })
  t.is(endpointIn(cloud, await w.nameInCloud())?.EndpointConfigName, after.status?.endpointConfigName)
})

test('an update that SageMaker silently rolls back is reported and not repeated until the spec changes', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  const before = await w.ready()
  const name = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.update-fails', subject: name, reason: '', times: 1 })
  await w.patch({ spec: { environment: { MODE: 'bad' } } })
  const condition = await w.until('UpdateRolledBack', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'UpdateRolledBack' && seen
  })
  t.is(condition.status, 'False')
  t.is(endpointIn(cloud, name)?.EndpointStatus, 'InService')
  const describes = (await w.calls()).DescribeEndpoint ?? 0
  await w.until('several more looks', async () => ((await w.calls()).DescribeEndpoint ?? 0) >= describes + 4)
  t.is((await w.calls()).UpdateEndpoint, 1)
  const rolledBack = await w.endpoint()
  t.like(rolledBack.status, { phase: 'RolledBack', rollout: { result: 'RolledBack' } })
  t.false(isTrue(rolledBack, 'Ready'))
  t.true((await w.events()).some(({ reason }) => reason === 'UpdateRolledBack'))
  // Going back to what serves needs no update at all.
  await w.patch({ spec: { environment: null } })
  const back = await w.ready()
  t.is(back.status?.endpointConfigName, before.status?.endpointConfigName)
  t.is((await w.calls()).UpdateEndpoint, 1)
  // The same change may be asked for again once it was taken back.
  await w.patch({ spec: { environment: { MODE: 'bad' } } })
  await w.ready()
  t.is((await w.calls()).UpdateEndpoint, 2)
})

test('another instance type is rolled out although scaling is registered, which is there again afterwards', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { scaling: { minInstances: 1, maxInstances: 3 } } })
  await w.ready()
  await w.patch({ spec: { instance: { type: 'ml.g5.xlarge' } } })
  await w.until('Ready on the new type', async (endpoint) => isTrue(endpoint, 'Ready') && endpoint)
  const calls = await w.calls()
  t.like(calls, { UpdateEndpoint: 1, DeregisterScalableTarget: 1, RegisterScalableTarget: 2 })
})

test('an update that a quota forbids leaves the endpoint serving, with its scaling', async (t) => {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  const all = namesIn(cloud, name).length
  cloud.setFault({ name: 'endpoint.quota', subject: name, times: 2 })
  await w.patch({ spec: { instance: { type: 'ml.p4d.24xlarge' } } })
  const condition = await w.until('QuotaExceeded', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'QuotaExceeded' && isTrue(endpoint, 'AutoscalingReady') && seen
  })
  t.is(condition.status, 'False')
  t.true(namesIn(cloud, name).length > all, 'scaling is there beside the new configuration')
  await w.ready()
})

test('the last log lines of a container that ends at once are in status and in the event', async (t) => {
  cloud.registerImage({
    repository: 'broken',
    tag: '1.0.0',
    command: [process.execPath, ECHO],
    environment: { EXIT_AT_START: '1' },
  })
  const w = await world()
  t.teardown(() => w.stop())
  await w.applyImage('123456789012.dkr.ecr.us-east-1.amazonaws.com/broken:1.0.0')
  await w.apply({ withoutImage: true })
  const condition = await w.until('PingFailed', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    // The failure is written down first, what to do about it with the pass after.
    return seen?.reason === 'PingFailed' && seen.message.startsWith('Change the spec') && seen
  })
  t.regex(
    condition.message,
    /^Change the spec or the image, or set the annotation mooring\.dev\/retry\. The container must/,
  )
  t.is((await w.calls()).CreateEndpoint, 1, 'this digest never answered: no GPU is burnt on it again')
  const { lastFailure } = (await w.endpoint()).status ?? {}
  t.true(lastFailure?.logTail?.includes('started with serve'))
  const failed = (await w.events()).find(({ reason }) => reason === 'EndpointFailed')
  t.regex(failed?.note ?? '', /Last log lines:\n(.*\n)*started with serve/)
})

test('after a rollback that failed too, the retry annotation is the way out', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.update-fails', subject: name, times: 1 })
  cloud.setFault({ name: 'endpoint.rollback-fails', subject: name, times: 1 })
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  const condition = await w.until('UpdateRollbackFailed', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'UpdateRollbackFailed' && seen
  })
  t.regex(condition.message, /old and new instances serve side by side/)
  await w.annotate({ 'mooring.dev/retry': '1' })
  await w.ready()
  t.is((await w.calls()).UpdateEndpoint, 2)
})

test('one that never answered with this digest is not tried again; one that has answered before is', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply({ spec: { ...QUICK, rollout: { strategy: 'Recreate', onFailure: 'Hold' } } })
  await w.ready()
  const name = await w.nameInCloud()
  // The default reason is that of the ping.
  cloud.setFault({ name: 'endpoint.create-fails', subject: name, times: 1 })
  await w.patch({ spec: { environment: { MODE: 'slow' } } })
  await w.until('attempt 1', ({ status }) => status?.recovery?.attempts === 1)
  await w.ready()
  t.is((await w.calls()).CreateEndpoint, 3)
})

test('an endpoint that comes and goes is not recreated without end', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  const recovery = { maxAttempts: 2, backoffSeconds: 1, maxBackoffSeconds: 1, resetAfterSeconds: 3600 }
  await w.apply({ spec: { recovery } })
  await w.ready()
  const name = await w.nameInCloud()
  for (const attempts of [1, 2]) {
    cloud.setFault({ name: 'endpoint.fails-in-service', subject: name, times: 1 })
    await w.until(`attempt ${attempts}`, ({ status }) => status?.recovery?.attempts === attempts)
    await w.ready()
  }
  cloud.setFault({ name: 'endpoint.fails-in-service', subject: name, times: 1 })
  await w.until(
    'RecoveryExhausted',
    (endpoint) => conditionOf(endpoint, 'EndpointInService')?.reason === 'RecoveryExhausted',
  )
  t.is((await w.calls()).CreateEndpoint, 3)
})

test('an endpoint in service without an instance for too long is recreated', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply({ spec: { recovery: { ...QUICK.recovery, unhealthyAfterSeconds: 2 } } })
  await w.ready()
  const name = await w.nameInCloud()
  const before = endpointIn(cloud, name)?.CreationTime
  cloud.setFault({ name: 'endpoint.unhealthy', subject: name, times: 1 })
  await w.until('no instance is noticed', ({ status }) => status?.recovery?.unhealthySince)
  await w.until('recreated', () => {
    const now = endpointIn(cloud, name)
    return now?.CreationTime !== before && now?.EndpointStatus === 'InService'
  })
  const { status } = await w.ready()
  t.regex(status?.lastFailure?.reason ?? '', /no running instance/)
  t.is(status?.recovery?.unhealthySince, undefined)
})

test('for lack of capacity, the instance types are tried in order, and the one that worked stays', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  const fallback = { types: ['ml.g5.4xlarge', 'ml.g4dn.2xlarge'], mode: 'InOrder' }
  await w.apply({ spec: { ...QUICK, instance: { type: 'ml.g5.2xlarge', fallback } }, withoutImage: true })
  const name = await w.nameInCloud()
  for (const instanceType of ['ml.g5.2xlarge', 'ml.g5.4xlarge'])
    cloud.setFault({ name: 'instance.capacity', subject: name, instanceType, times: 1 })
  await w.applyImage()
  const ready = await w.ready()
  t.is(ready.status?.instanceType, 'ml.g4dn.2xlarge')
  t.is(ready.status?.recovery?.attempts, 0, 'no pause, no attempt: another type is another try')
  t.is((await w.calls()).CreateEndpoint, 3)
  // An edit of something else keeps it.
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  t.is((await w.ready()).status?.instanceType, 'ml.g4dn.2xlarge')
  // The annotation asks for the preferred one again.
  await w.annotate({ 'mooring.dev/retry': 'capacity is back' })
  await w.until('the preferred type', (seen) => seen.status?.instanceType === 'ml.g5.2xlarge' && isTrue(seen, 'Ready'))
  t.like(await w.calls(), { CreateEndpoint: 3, UpdateEndpoint: 2 })
})

test('with instance pools, SageMaker falls back by itself', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  const instance = { type: 'ml.g5.2xlarge', fallback: { types: ['ml.g5.4xlarge'] } }
  await w.apply({ spec: { ...QUICK, instance }, withoutImage: true })
  const name = await w.nameInCloud()
  cloud.setFault({ name: 'instance.capacity', subject: name, instanceType: 'ml.g5.2xlarge', times: 1 })
  await w.applyImage()
  await w.ready()
  t.like(await w.calls(), { CreateEndpoint: 1, DeleteEndpoint: undefined })
})
