import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker'
import test from 'ava'
import type { KubeClient } from '../../../../operator/kube/client.ts'
import { aModelImage } from '../../api/manifests.ts'
import { eventually } from '../../kube/support.ts'
import { cloudForFile, conditionOf, endpointIn, IMAGE, isTrue, namesIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const REPOSITORY = '123456789012.dkr.ecr.us-east-1.amazonaws.com'

test('an endpoint whose ModelImage is missing waits and says so, and goes on when it comes', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ withoutImage: true })
  const condition = await w.until('ImageReady False', (endpoint) => conditionOf(endpoint, 'ImageReady'))
  t.like(condition, { status: 'False', reason: 'ImageMissing' })
  t.regex(condition.message, /apply it, or correct spec\.imageRef\.name/)
  t.is((await w.calls()).CreateModel, undefined)
  await w.applyImage()
  await w.ready()
})

test('an image that is not in the registry is looked for until it is pushed', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.applyImage(`${REPOSITORY}/late:1.0.0`)
  await w.apply({ withoutImage: true })
  const condition = await w.until('ImageNotReady', (endpoint) => {
    const seen = conditionOf(endpoint, 'ImageReady')
    return seen?.message.includes('no repository') && seen
  })
  t.is(condition.reason, 'ImageNotReady')
  t.like(conditionOf(await w.image(), 'Resolved'), { status: 'False', reason: 'RepositoryNotFound' })
  cloud.registerImage({ ...IMAGE, repository: 'late' })
  await w.ready()
})

test('an image for another processor is refused before an instance is paid for', async (t) => {
  cloud.registerImage({ ...IMAGE, repository: 'arm', architecture: 'arm64' })
  const w = await world()
  t.teardown(() => w.stop())
  await w.applyImage(`${REPOSITORY}/arm:1.0.0`)
  await w.apply({ withoutImage: true })
  const condition = await w.until('WrongPlatform', (endpoint) => {
    const seen = conditionOf(endpoint, 'ImageReady')
    return seen?.reason === 'WrongPlatform' && seen
  })
  t.regex(condition.message, /ml\.g5\.2xlarge runs linux\/amd64: build it with --platform linux\/amd64/)
  t.is((await w.calls()).CreateModel, undefined)
  await w.patch({ spec: { instance: { type: 'ml.c7g.xlarge' } } })
  await w.ready()
})

test('an endpoint that took the name of ours before ours was looked at even once is left alone', async (t) => {
  const w = await world({ intervals: { inFlight: 60_000 } })
  await w.apply()
  const name = await w.nameInCloud()
  await w.until('created', ({ status }) => status?.endpointArn !== undefined)
  await w.operator.stop()
  t.is((await w.endpoint()).status?.endpointCreationTime, undefined)
  const theirs = new SageMakerClient()
  t.teardown(() => theirs.destroy())
  const config = `theirs-${w.namespace}`
  await theirs.send(
    new CreateModelCommand({
      ModelName: config,
      ExecutionRoleArn: 'arn:aws:iam::123456789012:role/theirs',
      PrimaryContainer: { Image: `${REPOSITORY}/sam-lite:1.0.0` },
    }),
  )
  await theirs.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: config,
      ProductionVariants: [
        { VariantName: 'AllTraffic', ModelName: config, InstanceType: 'ml.g5.xlarge', InitialInstanceCount: 1 },
      ],
      AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://theirs/output/' } },
    }),
  )
  await theirs.send(new DeleteEndpointCommand({ EndpointName: name }))
  await eventually('gone', () => endpointIn(cloud, name) === undefined)
  await theirs.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: config }))
  await eventually('in service', () => endpointIn(cloud, name)?.EndpointStatus === 'InService')

  await w.restart()
  t.teardown(() => w.stop())
  await w.until('NameTaken', (endpoint) => conditionOf(endpoint, 'EndpointInService')?.reason === 'NameTaken')
  t.is(endpointIn(cloud, name)?.EndpointConfigName, config)
  await w.remove()
  await w.gone()
  t.is(endpointIn(cloud, name)?.EndpointConfigName, config, 'deleting the object leaves it alone too')
})

test('an operator that dies between CreateEndpoint and the status write makes no second endpoint', async (t) => {
  let died = false
  const between = (kube: KubeClient): KubeClient => ({
    ...kube,
    async patchStatus(resource, key, patch) {
      if (died || JSON.stringify(patch).includes('endpointArn')) {
        died = true
        throw new Error('the operator is dead')
      }
      return kube.patchStatus(resource, key, patch)
    },
  })
  const w = await world({ between })
  t.teardown(() => w.stop())
  await w.apply()
  await w.until('the status write that is lost', () => died)
  const name = await w.nameInCloud()
  const made = endpointIn(cloud, name)
  t.truthy(made)
  t.is((await w.endpoint()).status?.endpointArn, undefined)
  await w.restart()
  await w.ready()
  t.is(endpointIn(cloud, name)?.CreationTime, made?.CreationTime)
})

for (const what of ['model', 'endpoint'] as const) {
  test(`${what}: a resource of the same name that belongs to somebody else is not touched`, async (t) => {
    const w = await world()
    t.teardown(() => w.stop())
    await w.apply({ withoutImage: true })
    const name = await w.nameInCloud()
    const sagemaker = new SageMakerClient()
    const role = 'arn:aws:iam::123456789012:role/mooring-execution'
    const image = `${REPOSITORY}/sam-lite:1.0.0`
    const theirs = [{ Key: 'mooring.dev/uid', Value: 'somebody-else' }]
    if (what === 'endpoint') {
      await sagemaker.send(
        new CreateModelCommand({
          ModelName: `x-${name.slice(0, 50)}`,
          ExecutionRoleArn: role,
          PrimaryContainer: { Image: image },
        }),
      )
      await sagemaker.send(
        new CreateEndpointConfigCommand({
          EndpointConfigName: `x-${name.slice(0, 50)}`,
          ProductionVariants: [
            {
              VariantName: 'AllTraffic',
              ModelName: `x-${name.slice(0, 50)}`,
              InstanceType: 'ml.m5.xlarge',
              InitialInstanceCount: 1,
            },
          ],
        }),
      )
      await sagemaker.send(
        new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: `x-${name.slice(0, 50)}`, Tags: theirs }),
      )
      await w.applyImage()
    } else {
      // The name of the model follows from its content: made once by us, then given to somebody else.
      await w.annotate({ 'mooring.dev/paused': 'true' })
      await w.applyImage()
      const probe = await world()
      t.teardown(() => probe.stop())
      await probe.apply()
      const { modelName = '' } = (await probe.ready()).status ?? {}
      const taken = `${name}-${modelName.slice(-8)}`
      await sagemaker.send(
        new CreateModelCommand({
          ModelName: taken,
          ExecutionRoleArn: role,
          PrimaryContainer: { Image: image },
          Tags: theirs,
        }),
      )
      await w.annotate({ 'mooring.dev/paused': 'false' })
    }
    const type = what === 'model' ? 'ModelReady' : 'EndpointInService'
    const condition = await w.until('NameTaken', (endpoint) => {
      const seen = conditionOf(endpoint, type)
      return seen?.reason === 'NameTaken' && seen
    })
    t.is(condition.status, 'False')
    t.regex(condition.message, /belongs to somebody else/)
    await w.remove()
    await w.gone()
    const theirsStill = namesIn(cloud, name)
    t.true(theirsStill.length >= 1, 'what belongs to somebody else is still there')
    t.is(endpointIn(cloud, name) !== undefined, what === 'endpoint')
  })
}

test('a paused object leaves AWS alone until it is resumed', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ withoutImage: true })
  await w.annotate({ 'mooring.dev/paused': 'true' })
  await w.until('Paused', ({ status }) => status?.phase === 'Paused')
  await w.applyImage()
  // The resolved image wakes the endpoint's controller, which must do nothing.
  await w.until('the image is resolved', async () => isTrue(await w.image(), 'Ready'))
  await delay(500)
  t.is((await w.calls()).CreateModel, undefined)
  await w.annotate({ 'mooring.dev/paused': 'false' })
  t.is((await w.ready()).status?.phase, 'InService')
})

test('from two manifests to Ready: model, configuration, endpoint, scaling, in the fewest calls', async (t) => {
  const w = await world({ intervals: { settled: 60_000, verify: 3_600_000 } })
  t.teardown(() => w.stop())
  await w.apply()
  const { status } = await w.ready()
  t.like(status, { phase: 'InService', endpointStatus: 'InService', observedGeneration: 1 })
  t.regex(status?.image ?? '', /sam-lite@sha256:[0-9a-f]{64}$/)
  t.is(status?.instances?.summary, '1/1 (0-1)')
  const { DescribeEndpoint: describes = 0, ...calls } = await w.calls()
  t.deepEqual(
    Object.fromEntries(Object.entries(calls).filter(([name]) => !/Image|DownloadUrl/.test(name))),
    {
      CreateModel: 1,
      // Once in ten minutes for all objects with this bucket.
      HeadBucket: 1,
      CreateEndpointConfig: 1,
      CreateEndpoint: 1,
      RegisterScalableTarget: 1,
      PutScalingPolicy: 2,
      PutMetricAlarm: 1,
    },
    'what any client must call, and one look at the bucket',
  )
  t.true(describes >= 1)
  const events = (await w.events()).map(({ reason }) => reason)
  t.true(['ImageResolved', 'EndpointCreating', 'EndpointInService'].every((reason) => events.includes(reason)))
})

test('a settled object costs no call and no write between its intervals', async (t) => {
  const w = await world({ intervals: { settled: 60_000, verify: 3_600_000 } })
  t.teardown(() => w.stop())
  await w.apply()
  const { metadata } = await w.ready()
  const before = await w.calls()
  // An annotation that is not ours, and a second ModelImage, are changes that ask for nothing.
  await w.annotate({ 'example.com/note': 'hello' })
  await w.kube.create(
    { group: 'mooring.dev', version: 'v1alpha1', plural: 'modelimages', kind: 'ModelImage', namespaced: true },
    aModelImage(w.namespace, 'other'),
    w.namespace,
  )
  await w.until('the other image is resolved', async () => isTrue(await w.image('other'), 'Ready'))
  const { DescribeEndpoint } = await w.calls()
  t.is(DescribeEndpoint, before.DescribeEndpoint)
  t.is((await w.endpoint()).metadata.generation, metadata.generation)
})
