import {
  ApplicationAutoScalingClient,
  DeregisterScalableTargetCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling'
import { CloudWatchClient, DeleteAlarmsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { SageMakerClient, UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { cloudForFile, isTrue, namesIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

const scalable = (name: string) =>
  ({
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${name}/variant/AllTraffic`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  }) as const

test('scaling that somebody else took away or changed comes back', async (t) => {
  const w = await world({ intervals: { settled: 200, verify: 300 } })
  t.teardown(() => w.stop())
  await w.apply({ spec: { scaling: { minInstances: 0, maxInstances: 3 } } })
  await w.ready()
  const name = await w.nameInCloud()
  const all = namesIn(cloud, name)
  const scaling = new ApplicationAutoScalingClient()

  await scaling.send(new DeregisterScalableTargetCommand(scalable(name)))
  t.not(namesIn(cloud, name).length, all.length)
  await w.until('target and policies', () => namesIn(cloud, name).length === all.length)

  await new CloudWatchClient().send(new DeleteAlarmsCommand({ AlarmNames: [`${name}-wake`] }))
  await w.until('the alarm', () => namesIn(cloud, name).length === all.length)
  t.true(namesIn(cloud, name).includes(`${name}-wake`))

  await scaling.send(new RegisterScalableTargetCommand({ ...scalable(name), MinCapacity: 2, MaxCapacity: 9 }))
  await w.until('the bounds', () =>
    JSON.stringify(cloud.state()['application-autoscaling']).includes('"min":0,"max":3'),
  )
  t.true((await w.events()).some(({ reason }) => reason === 'AutoscalingRestored'))
})

test('what is in order is only looked at, never put again', async (t) => {
  const w = await world({ intervals: { settled: 200, verify: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await w.until('three checks', async () => ((await w.calls()).DescribeScalableTargets ?? 0) >= 3)
  t.like(await w.calls(), { RegisterScalableTarget: 1, PutScalingPolicy: 2, PutMetricAlarm: 1 })
})

test('an operator that starts anew checks the scaling of what it finds in service', async (t) => {
  const w = await world({ intervals: { verify: 3_600_000 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  const all = namesIn(cloud, name).length
  await w.stop()
  await new ApplicationAutoScalingClient().send(new DeregisterScalableTargetCommand(scalable(name)))
  await w.restart()
  await w.until('scaling', () => namesIn(cloud, name).length === all)
  t.like(await w.calls(), { RegisterScalableTarget: 1 })
})

test('an endpoint at zero instances is Ready, and its phase says so', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await new SageMakerClient().send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: await w.nameInCloud(),
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 0 }],
    }),
  )
  const endpoint = await w.until('ScaledToZero', (seen) => seen.status?.phase === 'ScaledToZero' && seen)
  t.true(isTrue(endpoint, 'Ready'))
  t.is(endpoint.status?.instances?.summary, '0/0 (0-1)')
})

test('a change of scaling alone changes scaling alone', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await w.patch({ spec: { scaling: { maxInstances: 4 } } })
  const endpoint = await w.until('Ready', (seen) => seen.status?.instances?.max === 4 && isTrue(seen, 'Ready') && seen)
  t.is(endpoint.status?.instances?.summary, '1/1 (0-4)')
  t.like(await w.calls(), {
    CreateModel: 1,
    CreateEndpointConfig: 1,
    UpdateEndpoint: undefined,
    RegisterScalableTarget: 2,
  })
})

test('the length of the queue is in status', async (t) => {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await new CloudWatchClient().send(
    new PutMetricDataCommand({
      Namespace: 'AWS/SageMaker',
      MetricData: [
        {
          MetricName: 'ApproximateBacklogSize',
          Dimensions: [{ Name: 'EndpointName', Value: await w.nameInCloud() }],
          Value: 7,
        },
      ],
    }),
  )
  await w.until('the backlog', ({ status }) => status?.instances?.backlog === 7)
  t.pass()
})
