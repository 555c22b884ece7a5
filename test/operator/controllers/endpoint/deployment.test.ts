import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch'
import { SageMakerClient, UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { rollout } from '../../../../operator/api/rollout.ts'
import { deploymentOf } from '../../../../operator/controllers/endpoint/deployment.ts'
import { cloudForFile, conditionOf, endpointIn, isTrue, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const of = (given: object) => deploymentOf(rollout.parse(given))

test('what is SageMaker’s default is not said', (t) => {
  t.is(of({}), undefined)
  t.is(of({ strategy: 'Recreate' }), undefined)
})

test('each strategy is the deployment that SageMaker has for it', (t) => {
  t.like(of({ terminationWaitSeconds: 60 }), {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
      TerminationWaitInSeconds: 60,
    },
  })
  t.like(of({ strategy: 'Canary', step: { type: 'InstanceCount', value: 1 }, waitIntervalSeconds: 120 }), {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: {
        Type: 'CANARY',
        WaitIntervalInSeconds: 120,
        CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 },
      },
    },
  })
  t.like(of({ strategy: 'Linear', step: { value: 25 }, maximumExecutionTimeoutSeconds: 900 }), {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: { Type: 'LINEAR', LinearStepSize: { Type: 'CAPACITY_PERCENT', Value: 25 } },
      MaximumExecutionTimeoutInSeconds: 900,
    },
  })
  t.like(of({ strategy: 'Rolling', step: { value: 20 }, autoRollbackAlarms: ['errors', 'latency'] }), {
    RollingUpdatePolicy: { MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 20 } },
    AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'errors' }, { AlarmName: 'latency' }] },
  })
})

for (const strategy of ['Canary', 'Linear', 'Rolling'])
  test(`an update by ${strategy} goes its way and ends Ready`, async (t) => {
    const w = await world({ intervals: { settled: 200 } })
    t.teardown(() => w.stop())
    const step = { type: 'CapacityPercent', value: 50 }
    await w.apply({ spec: { rollout: { strategy, step, waitIntervalSeconds: 1 }, instance: { ...TWO }, ...SCALING } })
    await w.ready()
    await w.patch({ spec: { environment: { MODE: 'new' } } })
    const { status } = await w.ready()
    t.is(endpointIn(cloud, await w.nameInCloud())?.EndpointConfigName, status?.endpointConfigName)
    t.is(status?.currentRevision, 2)
    t.like(await w.calls(), { UpdateEndpoint: 1 })
  })
const TWO = { type: 'ml.g5.2xlarge', initialCount: 2 }
const SCALING = { scaling: { minInstances: 0, maxInstances: 4 } }

test('an alarm that fires during a deployment rolls it back, which is reported', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  const AlarmName = `errors-${w.namespace}`
  const cloudwatch = new CloudWatchClient()
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName,
      Namespace: 'AWS/SageMaker',
      MetricName: 'Invocation5XXErrors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    }),
  )
  const rolling = {
    strategy: 'Canary',
    step: { type: 'CapacityPercent', value: 50 },
    waitIntervalSeconds: 60,
    autoRollbackAlarms: [AlarmName],
  }
  await w.apply({ spec: { rollout: rolling, instance: TWO, ...SCALING } })
  const first = await w.ready()
  const name = await w.nameInCloud()
  await w.patch({ spec: { environment: { MODE: 'bad' } } })
  await w.until('the canary', () => endpointIn(cloud, name)?.EndpointStatus === 'Updating')
  await cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: 'ALARM', StateReason: 'a test' }))
  const back = await w.until('UpdateRolledBack', (seen) => {
    const condition = conditionOf(seen, 'EndpointInService')
    return condition?.reason === 'UpdateRolledBack' && seen
  })
  t.is(endpointIn(cloud, name)?.EndpointConfigName, first.status?.endpointConfigName)
  t.regex(back.status?.lastFailure?.reason ?? '', new RegExp(AlarmName))
  t.like(await w.calls(), { UpdateEndpoint: 1 })
})

test('an update of an endpoint that sleeps does not wake it', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  await new SageMakerClient().send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: name,
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 0 }],
    }),
  )
  await w.until('ScaledToZero', ({ status }) => status?.phase === 'ScaledToZero')
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  const { status } = await w.until(
    'the new revision',
    (seen) => seen.status?.currentRevision === 2 && isTrue(seen, 'Ready') && seen,
  )
  t.is(status?.phase, 'ScaledToZero')
  t.is(status?.instances?.summary, '0/0 (0-1)')
})
