import {
  ApplicationAutoScalingClient,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling'
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { cloudForFile, conditionOf, endpointIn, namesIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const sagemaker = new SageMakerClient()

/** An endpoint that somebody made by hand, with scaling of their own. */
async function handmade(name: string, { variant = 'AllTraffic', asynchronous = true, tags = {} } = {}) {
  await sagemaker.send(
    new CreateModelCommand({
      ModelName: `${name}-model`,
      ExecutionRoleArn: 'arn:aws:iam::123456789012:role/by-hand',
      PrimaryContainer: { Image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite:1.0.0' },
    }),
  )
  await sagemaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: `${name}-config`,
      ProductionVariants: [
        {
          VariantName: variant,
          ModelName: `${name}-model`,
          InstanceType: 'ml.g5.xlarge',
          InitialInstanceCount: 1,
        },
      ],
      ...(asynchronous
        ? { AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://mooring-demo/by-hand/' } } }
        : {}),
    }),
  )
  await sagemaker.send(
    new CreateEndpointCommand({
      EndpointName: name,
      EndpointConfigName: `${name}-config`,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value: String(Value) })),
    }),
  )
  while (endpointIn(cloud, name)?.EndpointStatus !== 'InService') await new Promise((wake) => setTimeout(wake, 20))
  const target = {
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${name}/variant/${variant}`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  } as const
  const scaling = new ApplicationAutoScalingClient()
  await scaling.send(new RegisterScalableTargetCommand({ ...target, MinCapacity: 1, MaxCapacity: 2 }))
  await scaling.send(
    new PutScalingPolicyCommand({
      ...target,
      PolicyName: `${name}-by-hand`,
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      },
    }),
  )
}

for (const variant of ['AllTraffic', 'by-hand'])
  test(`an endpoint with variant ${variant} is taken over without being interrupted, and brought to the spec`, async (t) => {
    const name = `handmade-${variant}`
    await handmade(name, { variant })
    const before = endpointIn(cloud, name)
    const w = await world()
    t.teardown(() => w.stop())
    await w.apply({ spec: { adopt: name } })
    const { status } = await w.ready()
    t.is(status?.endpointName, name)
    t.true(status?.adopted)
    t.is(endpointIn(cloud, name)?.CreationTime, before?.CreationTime, 'it is the same endpoint')
    t.is(endpointIn(cloud, name)?.EndpointConfigName, status?.endpointConfigName)
    t.like(await w.calls(), { CreateEndpoint: undefined, DeleteEndpoint: undefined, UpdateEndpoint: 1 })
    t.false(namesIn(cloud, name).includes(`${name}-by-hand`), 'the scaling of before is gone')
    await w.until('the event', async () => (await w.events()).some(({ reason }) => reason === 'Adopted'))

    await w.remove()
    await w.gone()
    t.is(endpointIn(cloud, name), undefined)
    const left = namesIn(cloud, name)
    t.deepEqual(left.sort(), [`${name}-config`, `${name}-model`], 'what it served with before was never ours')
  })

test('an endpoint that belongs to another object is refused, and whose it is is said', async (t) => {
  const name = 'owned'
  await handmade(name, {
    tags: {
      'mooring.dev/cluster': 'elsewhere',
      'mooring.dev/uid': 'x',
      'mooring.dev/namespace': 'n',
      'mooring.dev/name': 'o',
    },
  })
  const before = namesIn(cloud, name)
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { adopt: name } })
  const condition = await w.until('NameTaken', (seen) => {
    const found = conditionOf(seen, 'EndpointInService')
    return found?.reason === 'NameTaken' && found
  })
  t.regex(condition.message, /belongs to n\/o of cluster elsewhere/)
  await w.remove()
  await w.gone()
  t.deepEqual(namesIn(cloud, name), before, 'nothing of it was touched')
})

test('two objects that adopt one endpoint: the second is refused', async (t) => {
  const name = 'contested'
  await handmade(name)
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { adopt: name } })
  await w.ready()
  await w.apply({ spec: { adopt: name }, name: 'second', withoutImage: true })
  await w.until('NameTaken', (seen) => conditionOf(seen, 'EndpointInService')?.reason === 'NameTaken', 'second')
  await w.remove('second')
  await w.gone('second')
  t.is(endpointIn(cloud, name)?.EndpointStatus, 'InService')
  t.true((await w.endpoint()).status?.adopted)
})

test('an endpoint that is not there, or answers at once, is no endpoint to adopt', async (t) => {
  await handmade('realtime', { asynchronous: false })
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { adopt: 'nowhere' } })
  await w.apply({ spec: { adopt: 'realtime' }, name: 'other', withoutImage: true })
  const reason = (name?: string) => (seen: Parameters<typeof conditionOf>[0]) =>
    conditionOf(seen, 'EndpointInService')?.reason === name
  await w.until('AdoptionTargetMissing', reason('AdoptionTargetMissing'))
  await w.until('AdoptionRefused', reason('AdoptionRefused'), 'other')
  t.is((await w.calls()).CreateEndpoint, undefined)
})
