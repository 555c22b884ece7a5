import {
  DeleteScalingPolicyCommand,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingActivitiesCommand,
  DescribeScalingPoliciesCommand,
  ListTagsForResourceCommand,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling'
import { DescribeAlarmsCommand, PutMetricAlarmCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { DeleteEndpointCommand, DeleteModelCommand } from '@aws-sdk/client-sagemaker'
import { InvokeEndpointAsyncCommand } from '@aws-sdk/client-sagemaker-runtime'
import test, { type ExecutionContext } from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import { stepCapacity, targetTrackingCapacity } from '../../../local/services/application-auto-scaling/scaling.ts'
import { eventually } from '../../operator/kube/support.ts'
import { type Aws, cloudWithClients, endpointInService, instances } from '../cloud-clients.ts'

const VARIANT = {
  ServiceNamespace: 'sagemaker',
  ResourceId: 'endpoint/ep/variant/AllTraffic',
  ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
} as const
const MINUTE = 60_000
const DIMENSIONS = [{ Name: 'EndpointName', Value: 'ep' }]

async function scaled(t: ExecutionContext, { min = 0, max = 3, scaleInCooldown = 300 } = {}) {
  const clock = virtualClock()
  const { cloud, aws } = await cloudWithClients(t, { clock })
  await endpointInService(aws)
  await aws.scaling.send(
    new RegisterScalableTargetCommand({ ...VARIANT, MinCapacity: min, MaxCapacity: max, Tags: { owner: 'me' } }),
  )
  await aws.scaling.send(
    new PutScalingPolicyCommand({
      ...VARIANT,
      PolicyName: 'backlog',
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 5,
        ScaleInCooldown: scaleInCooldown,
        ScaleOutCooldown: 60,
        CustomizedMetricSpecification: {
          MetricName: 'ApproximateBacklogSizePerInstance',
          Namespace: 'AWS/SageMaker',
          Dimensions: DIMENSIONS,
          Statistic: 'Average',
        },
      },
    }),
  )
  /** Minutes pass one by one, with a moment of real time for what happens in each. */
  const minutes = async (count: number) => {
    for (let index = 0; index < count; index++) {
      await clock.advance(MINUTE)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { cloud, aws, clock, minutes }
}

async function wakeUp(aws: Aws): Promise<void> {
  const { PolicyARN } = await aws.scaling.send(
    new PutScalingPolicyCommand({
      ...VARIANT,
      PolicyName: 'wake',
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        MetricAggregationType: 'Average',
        Cooldown: 300,
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      },
    }),
  )
  await aws.cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: 'ep-wake',
      Namespace: 'AWS/SageMaker',
      MetricName: 'HasBacklogWithoutCapacity',
      Dimensions: DIMENSIONS,
      Statistic: 'Average',
      Period: 60,
      EvaluationPeriods: 2,
      DatapointsToAlarm: 2,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'missing',
      AlarmActions: [PolicyARN ?? ''],
    }),
  )
}

async function activities(aws: Aws) {
  const seen = await aws.scaling.send(new DescribeScalingActivitiesCommand({ ServiceNamespace: 'sagemaker' }))
  return seen.ScalingActivities ?? []
}

test('an idle endpoint goes to zero after a quarter of an hour, and not before', async (t) => {
  const { aws, minutes } = await scaled(t)
  await minutes(13)
  t.is((await instances(aws)).desired, 1)
  await minutes(4)
  await eventually('zero', async () => (await instances(aws)).current === 0)
  t.is(
    (await activities(aws))[0]?.StatusMessage,
    'Successfully set desired instance count to 0. Change successfully fulfilled by sagemaker.',
  )
})

test('target tracking alone never wakes an endpoint from zero; the step policy and its alarm do', async (t) => {
  const { aws, minutes } = await scaled(t)
  await minutes(17)
  await eventually('zero', async () => (await instances(aws)).current === 0)
  await aws.runtime.send(new InvokeEndpointAsyncCommand({ EndpointName: 'ep', InputLocation: 's3://bucket/in' }))
  await minutes(10)
  t.is((await instances(aws)).desired, 0)
  await wakeUp(aws)
  await minutes(3)
  await eventually('awake', async () => (await instances(aws)).current === 1)
  t.pass()
})

test('the minimum holds, however idle', async (t) => {
  const { aws, minutes } = await scaled(t, { min: 1 })
  await minutes(30)
  t.is((await instances(aws)).desired, 1)
})

test('registering moves the count into the bounds, and a target outside them is refused', async (t) => {
  const { aws } = await scaled(t)
  await aws.scaling.send(new RegisterScalableTargetCommand({ ...VARIANT, MinCapacity: 2, MaxCapacity: 3 }))
  await eventually('two', async () => (await instances(aws)).current === 2)
  await t.throwsAsync(
    aws.scaling.send(new RegisterScalableTargetCommand({ ...VARIANT, MinCapacity: 3, MaxCapacity: 2 })),
    {
      name: 'ValidationException',
    },
  )
  await t.throwsAsync(
    aws.scaling.send(
      new RegisterScalableTargetCommand({
        ...VARIANT,
        ResourceId: 'endpoint/none/variant/AllTraffic',
        MinCapacity: 0,
        MaxCapacity: 1,
      }),
    ),
    { name: 'ValidationException' },
  )
})

test('a maximum of zero takes the endpoint to zero, and no backlog wakes it', async (t) => {
  const { aws, minutes } = await scaled(t)
  await wakeUp(aws)
  await aws.scaling.send(new RegisterScalableTargetCommand({ ...VARIANT, MinCapacity: 0, MaxCapacity: 0 }))
  await eventually('zero', async () => (await instances(aws)).current === 0)
  await aws.runtime.send(new InvokeEndpointAsyncCommand({ EndpointName: 'ep', InputLocation: 's3://bucket/in' }))
  await minutes(10)
  t.like(await instances(aws), { desired: 0, current: 0, status: 'InService' })
  const [last] = await activities(aws)
  t.like(last, { Cause: 'maximum capacity was set to 0', StatusCode: 'Successful' })
})

test('a scale-out that SageMaker rolls back is an activity that failed, at the count before', async (t) => {
  const { aws } = await scaled(t)
  await aws.sagemaker.send(new DeleteModelCommand({ ModelName: 'ep' }))
  await aws.scaling.send(new RegisterScalableTargetCommand({ ...VARIANT, MinCapacity: 2, MaxCapacity: 3 }))
  await eventually('the activity to end', async () => (await activities(aws))[0]?.EndTime !== undefined)
  const [failed] = await activities(aws)
  t.is(failed?.StatusCode, 'Failed')
  t.regex(failed?.StatusMessage ?? '', /^Failed to set desired instance count to 2\. Reason: Could not find model "/)
  t.like(await instances(aws), { status: 'InService', desired: 1, current: 1 })
})

test('deregistering takes the policies and their alarms along, but not the alarm that somebody else made', async (t) => {
  const { cloud, aws } = await scaled(t)
  await wakeUp(aws)
  t.is((await aws.cloudwatch.send(new DescribeAlarmsCommand({}))).MetricAlarms?.length, 3)
  const { ScalableTargets = [] } = await aws.scaling.send(
    new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' }),
  )
  const tags = await aws.scaling.send(
    new ListTagsForResourceCommand({ ResourceARN: ScalableTargets[0]?.ScalableTargetARN }),
  )
  t.deepEqual(tags.Tags, { owner: 'me' })
  await aws.scaling.send(new DeregisterScalableTargetCommand(VARIANT))
  t.deepEqual(
    (await aws.scaling.send(new DescribeScalingPoliciesCommand({ ServiceNamespace: 'sagemaker' }))).ScalingPolicies,
    [],
  )
  t.deepEqual(
    (await aws.cloudwatch.send(new DescribeAlarmsCommand({}))).MetricAlarms?.map((alarm) => alarm.AlarmName),
    ['ep-wake'],
  )
  await t.throwsAsync(aws.scaling.send(new DeregisterScalableTargetCommand(VARIANT)), {
    name: 'ObjectNotFoundException',
  })
  await t.throwsAsync(aws.scaling.send(new DeleteScalingPolicyCommand({ ...VARIANT, PolicyName: 'backlog' })), {
    name: 'ObjectNotFoundException',
  })
  t.deepEqual(cloud.state()['application-autoscaling'], {
    scalableTargets: [],
    scalingPolicies: [],
    scheduledActions: [],
  })
})

test('deleting the endpoint deregisters its target', async (t) => {
  const { cloud, aws } = await scaled(t)
  await aws.sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'ep' }))
  await eventually('deregistered', () => {
    const state = cloud.state()['application-autoscaling'] as { scalableTargets: unknown[] }
    return state.scalableTargets.length === 0
  })
  t.pass()
})

test('an alarm without datapoints is INSUFFICIENT_DATA, and goes to OK and ALARM as they come', async (t) => {
  const clock = virtualClock()
  const { aws } = await cloudWithClients(t, { clock })
  const put = (value: number) =>
    aws.cloudwatch.send(new PutMetricDataCommand({ Namespace: 'N', MetricData: [{ MetricName: 'M', Value: value }] }))
  const state = async () =>
    (await aws.cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: ['a'] }))).MetricAlarms?.[0]?.StateValue
  await aws.cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: 'a',
      Namespace: 'N',
      MetricName: 'M',
      Statistic: 'Average',
      Period: 60,
      EvaluationPeriods: 2,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    }),
  )
  await clock.advance(MINUTE)
  t.is(await state(), 'INSUFFICIENT_DATA')
  await put(0)
  await clock.advance(MINUTE)
  t.is(await state(), 'OK')
  for (const value of [5, 5]) {
    await put(value)
    await clock.advance(MINUTE)
  }
  t.is(await state(), 'ALARM')
})

test("the policies' arithmetic", (t) => {
  t.is(targetTrackingCapacity(2, 12, 5), 5)
  t.is(targetTrackingCapacity(2, 5, 5), 2)
  t.is(targetTrackingCapacity(3, 0, 5), 0)
  const steps = {
    AdjustmentType: 'ChangeInCapacity',
    StepAdjustments: [
      { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, ScalingAdjustment: 1 },
      { MetricIntervalLowerBound: 10, ScalingAdjustment: 3 },
    ],
  }
  t.is(stepCapacity(steps, 1, 5, 5), 2)
  t.is(stepCapacity(steps, 1, 15, 5), 4)
  t.is(stepCapacity(steps, 1, 4, 5), undefined)
  t.is(stepCapacity({ ...steps, AdjustmentType: 'ExactCapacity' }, 7, 5, 5), 1)
  const percent = {
    AdjustmentType: 'PercentChangeInCapacity',
    StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 10 }],
  }
  t.is(stepCapacity(percent, 3, 1, 1), 4)
})
