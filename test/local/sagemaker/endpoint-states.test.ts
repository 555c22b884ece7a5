import test from 'ava'
import { arn, eventually, REGISTRY, topic, world } from './world.ts'

const inProgress = (name: string) => ({
  name: 'ValidationException',
  message: `Cannot update in-progress endpoint "${arn('endpoint', name)}".`,
})

test('an endpoint is created, described while it is coming, in service, deleted, and its name is free again', async (t) => {
  const w = world(t)
  w.faults.set({ name: 'endpoint.stuck-creating' })
  await w.config('a')
  t.deepEqual(await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' }), {
    EndpointArn: arn('endpoint', 'a'),
  })
  const creating = await w.describe('a')
  t.like(creating, { EndpointStatus: 'Creating', EndpointConfigName: 'a', ProductionVariants: undefined })
  t.like(creating.PendingDeploymentSummary as object, { EndpointConfigName: 'a' })
  w.faults.clear()
  const inService = await w.until('a', 'InService')
  t.like(inService, { PendingDeploymentSummary: undefined, FailureReason: undefined })
  t.like((inService.ProductionVariants as object[])[0], {
    VariantName: 'AllTraffic',
    CurrentInstanceCount: 1,
    DesiredInstanceCount: 1,
    CurrentWeight: 1,
    DeployedImages: [{ SpecifiedImage: `${REGISTRY}/empty:latest` }],
  })
  const [variant] = inService.ProductionVariants as { DeployedImages: { ResolvedImage: string }[] }[]
  t.is(variant?.DeployedImages[0]?.ResolvedImage, `${REGISTRY}/empty@${w.images.get('empty')?.digest}`)
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
})

test('every change is refused while an endpoint is in progress, with the same words', async (t) => {
  const w = world(t)
  const refused = async () => {
    for (const [operation, input] of [
      ['UpdateEndpoint', { EndpointConfigName: 'a' }],
      [
        'UpdateEndpointWeightsAndCapacities',
        { DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 2 }] },
      ],
      ['DeleteEndpoint', {}],
    ] as const)
      await t.throwsAsync(w.call(operation, { EndpointName: 'a', ...input }), inProgress('a'))
    t.throws(() => w.sagemaker.setDesired('a', 'AllTraffic', 2), inProgress('a'))
  }
  w.faults.set({ name: 'endpoint.stuck-creating' })
  await w.config('a')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await refused()
  w.faults.clear()
  await w.until('a', 'InService')

  w.faults.set({ name: 'endpoint.stuck-updating' })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.is((await w.describe('a')).EndpointStatus, 'Updating')
  t.false(w.sagemaker.describe('a', 'AllTraffic')?.scalable)
  await refused()
  w.faults.clear()
  await w.until('a', 'InService')

  w.faults.set({ name: 'endpoint.system-update', delayMs: 300, times: 1 })
  await w.until('a', 'SystemUpdating')
  await refused()
  await w.until('a', 'InService')

  w.faults.set({ name: 'endpoint.stuck-deleting' })
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  t.is((await w.describe('a')).EndpointStatus, 'Deleting')
  await refused()
  w.faults.clear()
  await w.gone('a')
})

test('a creation that fails says why and leaves an endpoint that can only be deleted', async (t) => {
  const w = world(t)
  w.faults.set({ name: 'endpoint.create-fails', subject: 'a', reason: 'Because.' })
  await w.config('a')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  const failed = await w.until('a', 'Failed')
  t.like(failed, { FailureReason: 'Because.', EndpointConfigName: 'a', PendingDeploymentSummary: undefined })
  const refusal = { name: 'ValidationException', message: /status Failed\. It can only be deleted/ }
  await t.throwsAsync(w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' }), refusal)
  t.throws(() => w.sagemaker.setDesired('a', 'AllTraffic', 1), refusal)
  await t.throwsAsync(w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' }), {
    message: `Cannot create already existing endpoint "${arn('endpoint', 'a')}".`,
  })
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
})

test('no capacity fails a creation with its own reason and without a container', async (t) => {
  const w = world(t)
  w.faults.set({ name: 'instance.capacity' })
  await w.config('a', { repository: 'echo' })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  const failed = await w.until('a', 'Failed')
  t.is(
    failed.FailureReason,
    'Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.',
  )
  t.deepEqual(w.lines('a'), [])
})

test('an image that is gone when the instance starts fails the creation', async (t) => {
  const w = world(t)
  await w.config('a')
  w.images.delete('empty')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.regex(
    String((await w.until('a', 'Failed')).FailureReason),
    /^Please make sure all images included in the model for the production variant AllTraffic exist/,
  )
})

test('a topic that SageMaker may not publish to fails the creation', async (t) => {
  const w = world(t)
  w.refusedTopics.add(topic('errors'))
  await w.config('a', { async: { OutputConfig: { NotificationConfig: { ErrorTopic: topic('errors') } } } })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.regex(
    String((await w.until('a', 'Failed')).FailureReason),
    /has "sns:Publish" permissions for topic "arn:aws:sns:us-east-1:123456789012:errors"$/,
  )
})

test('creating, updating and scaling each send a test notification to both topics', async (t) => {
  const w = world(t)
  await w.endpoint('a', {
    async: { OutputConfig: { NotificationConfig: { SuccessTopic: topic('good'), ErrorTopic: topic('bad') } } },
  })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
  w.sagemaker.setDesired('a', 'AllTraffic', 2)
  await w.until('a', 'InService')
  const message = { eventVersion: '1.0', eventSource: 'aws:sagemaker', eventName: 'TestNotification' }
  const both = [
    { topic: topic('good'), message },
    { topic: topic('bad'), message },
  ]
  t.deepEqual(w.published, [...both, ...both, ...both])
})

test('an update moves to the new configuration and resets the counts unless they are retained', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  await w.config('b')
  w.sagemaker.setDesired('a', 'AllTraffic', 3)
  await w.until('a', 'InService')

  w.faults.set({ name: 'endpoint.stuck-updating' })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b', RetainAllVariantProperties: true })
  const updating = await w.until('a', 'Updating')
  t.is(updating.EndpointConfigName, 'a')
  t.like(updating.PendingDeploymentSummary, { EndpointConfigName: 'b' })
  w.faults.clear()
  const retained = await w.until('a', 'InService')
  t.like(retained, { EndpointConfigName: 'b', PendingDeploymentSummary: undefined })
  t.like((retained.ProductionVariants as object[])[0], { CurrentInstanceCount: 3, DesiredInstanceCount: 3 })

  const exclude = [{ VariantPropertyType: 'DesiredInstanceCount' }]
  await w.call('UpdateEndpoint', {
    EndpointName: 'a',
    EndpointConfigName: 'a',
    RetainAllVariantProperties: true,
    ExcludeRetainedVariantProperties: exclude,
  })
  t.like(((await w.until('a', 'InService')).ProductionVariants as object[])[0], { DesiredInstanceCount: 1 })
  w.sagemaker.setDesired('a', 'AllTraffic', 0)
  await w.until('a', 'InService')
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 0, current: 0, scalable: true })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' })
  t.like(((await w.until('a', 'InService')).ProductionVariants as object[])[0], { DesiredInstanceCount: 1 })
})

test('an update of an endpoint at zero starts nothing when the counts are retained, and costs no quota', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo' })
  await w.config('b', { repository: 'echo', variant: { InitialInstanceCount: 2 } })
  await w.sagemaker.setDesired('a', 'AllTraffic', 0)
  const started = w.lines('a').length
  w.faults.set({ name: 'endpoint.quota' })
  w.faults.set({ name: 'endpoint.stuck-updating' })
  const update = { EndpointName: 'a', EndpointConfigName: 'b' }
  await w.call('UpdateEndpoint', { ...update, RetainAllVariantProperties: true })
  t.is((await w.describe('a')).EndpointStatus, 'Updating')
  w.faults.clear()
  const asleep = await w.until('a', 'InService')
  t.is(asleep.EndpointConfigName, 'b')
  t.like((asleep.ProductionVariants as object[])[0], { CurrentInstanceCount: 0, DesiredInstanceCount: 0 })
  t.is(w.lines('a').length, started)
  await w.call('UpdateEndpoint', update)
  const awake = await w.until('a', 'InService')
  t.like((awake.ProductionVariants as object[])[0], { CurrentInstanceCount: 2, DesiredInstanceCount: 2 })
})

test('a failed update rolls back to the old configuration, says why, and forgets it when a new one starts', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  await w.config('b')
  w.faults.set({ name: 'endpoint.update-fails', reason: 'Unhealthy.', times: 1 })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' })
  t.like(await w.until('a', 'InService'), { EndpointConfigName: 'a', FailureReason: 'Unhealthy.' })
  w.faults.set({ name: 'endpoint.stuck-updating' })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' })
  t.is((await w.describe('a')).FailureReason, undefined)
  w.faults.clear()
  t.is((await w.until('a', 'InService')).EndpointConfigName, 'b')
})

test('a failed update may roll back in silence', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  await w.config('b')
  w.faults.set({ name: 'endpoint.update-fails', reason: '' })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' })
  t.like(await w.until('a', 'InService'), { EndpointConfigName: 'a', FailureReason: undefined })
})

test('a rollback that fails too leaves UpdateRollbackFailed, which a further update mends', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  w.faults.set({ name: 'endpoint.update-fails', reason: 'Unhealthy.', times: 1 })
  w.faults.set({ name: 'endpoint.rollback-fails', times: 1 })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.is((await w.until('a', 'UpdateRollbackFailed')).FailureReason, 'Unhealthy.')
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
})

test('deleting the old configuration under a running update breaks it and every later one', async (t) => {
  const w = world(t)
  const missing = `Could not find endpoint configuration "${arn('endpoint-config', 'a')}".`
  await w.endpoint('a')
  await w.config('b')
  w.faults.set({ name: 'endpoint.stuck-updating' })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' })
  await w.call('DeleteEndpointConfig', { EndpointConfigName: 'a' })
  w.faults.clear()
  t.like(await w.until('a', 'InService'), { EndpointConfigName: 'a', FailureReason: missing })
  await t.throwsAsync(w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' }), {
    name: 'ValidationException',
    message: missing,
  })
})

test('a scale-out without capacity rolls back to the count before', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  w.faults.set({ name: 'instance.capacity' })
  w.sagemaker.setDesired('a', 'AllTraffic', 4)
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 4, current: 1, scalable: false })
  const back = await w.until('a', 'InService')
  t.regex(String(back.FailureReason), /InsufficientInstanceCapacity/)
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 1, current: 1, scalable: true })
})

test('the instance type and the name of a variant cannot change while it is a scalable target; the model can', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  await w.config('bigger', { variant: { InstanceType: 'ml.m5.2xlarge' } })
  await w.config('renamed', { variant: { VariantName: 'Other' } })
  await w.config('other-model')
  w.targets.add('a/AllTraffic')
  await t.throwsAsync(w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'bigger' }), {
    name: 'ValidationException',
    message: /instance type of variant "AllTraffic"/,
  })
  await t.throwsAsync(w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'renamed' }), {
    message: /the removal of variant "AllTraffic"/,
  })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'other-model' })
  await w.until('a', 'InService')
  w.targets.clear()
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'bigger' })
  t.is((await w.until('a', 'InService')).EndpointConfigName, 'bigger')
})

test('deleting an endpoint deregisters its scalable targets and forgets its tags', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  await w.call('AddTags', { ResourceArn: arn('endpoint', 'a'), Tags: [{ Key: 'k', Value: 'v' }] })
  w.targets.add('a/AllTraffic')
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  t.is(w.targets.size, 0)
  await w.gone('a')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.deepEqual(await w.call('ListTags', { ResourceArn: arn('endpoint', 'a') }), { Tags: [] })
})

test('a canary bakes between new and old fleet', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  await w.config('b')
  const BlueGreenUpdatePolicy = {
    TrafficRoutingConfiguration: {
      Type: 'CANARY',
      WaitIntervalInSeconds: 1,
      CanarySize: { Type: 'CAPACITY_PERCENT', Value: 50 },
    },
    TerminationWaitInSeconds: 0,
  }
  await w.call('UpdateEndpoint', {
    EndpointName: 'a',
    EndpointConfigName: 'b',
    DeploymentConfig: { BlueGreenUpdatePolicy },
  })
  await eventually(async () => {
    const seen = (await w.describe('a')).PendingDeploymentSummary as
      | { ProductionVariants: { VariantStatus?: { Status: string }[] }[] }
      | undefined
    return seen?.ProductionVariants[0]?.VariantStatus?.[0]?.Status === 'Baking' || undefined
  }, 'the new variant to bake')
  const done = await w.until('a', 'InService')
  t.like(done, {
    EndpointConfigName: 'b',
    LastDeploymentConfig: { BlueGreenUpdatePolicy: { TerminationWaitInSeconds: 0 } },
  })
})

test('a configuration may not be visible yet when an endpoint is made from it', async (t) => {
  const w = world(t)
  await w.config('a')
  w.faults.set({ name: 'endpoint-config.not-visible', times: 1 })
  await t.throwsAsync(w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' }), {
    message: `Could not find endpoint configuration "${arn('endpoint-config', 'a')}".`,
  })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
})

test('a quota is refused at once, and nothing is created', async (t) => {
  const w = world(t)
  await w.config('a', { variant: { InstanceType: 'ml.g5.xlarge' } })
  w.faults.set({ name: 'endpoint.quota', times: 1 })
  await t.throwsAsync(w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' }), {
    name: 'ResourceLimitExceeded',
    message:
      "The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0 Instances, with current utilization of 0 Instances and a request delta of 1 Instances. Please contact AWS support to request an increase for this limit.",
  })
  await t.throwsAsync(w.describe('a'), { message: `Could not find endpoint "${arn('endpoint', 'a')}".` })
})
