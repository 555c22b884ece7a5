import test from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import { ApiError, type JsonObject, type Service, type VariantCapacity } from '../../../local/service.ts'
import { autoscalingService } from '../../../local/services/application-auto-scaling/index.ts'
import { cloudwatchService } from '../../../local/services/cloudwatch/index.ts'

const MINUTE = 60_000
const VARIANT = {
  ServiceNamespace: 'sagemaker',
  ResourceId: 'endpoint/ep/variant/AllTraffic',
  ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
}

type Scaling = { min?: number; max?: number; desired?: number; out?: number; in?: number }

/** Alarms and policies on a clock that stands still, over a variant that is a number; one load metric a minute. */
async function world(t: { teardown(fn: () => Promise<void>): void }, options: Scaling = {}) {
  const { min = 0, max = 3, desired = 1, out = 60, in: scaleIn = 300 } = options
  const clock = virtualClock()
  const variant = { desired, current: desired, scalable: true }
  let inProgress = false
  const changes: { minute: number; to: number }[] = []
  const start = clock.now()
  const capacity: VariantCapacity = {
    describe: (endpointName) => (endpointName === 'ep' ? { ...variant } : undefined),
    setDesired(_endpoint, _variant, count) {
      if (inProgress) throw new ApiError('ValidationException', 'Cannot update in-progress endpoint "arn".')
      Object.assign(variant, { desired: count, current: count })
      changes.push({ minute: (clock.now() - start) / MINUTE, to: count })
      return Promise.resolve(undefined)
    },
  }
  const account = { region: 'us-east-1', accountId: '123456789012' }
  const cloudwatch = cloudwatchService({
    clock,
    ...account,
    evaluationPeriod: MINUTE,
    onError: (error) => {
      throw error
    },
  })
  t.teardown(() => cloudwatch.stop())
  const autoscaling = autoscalingService({ clock, ...account, capacity, alarms: cloudwatch })
  cloudwatch.onAction((arn, alarm) => autoscaling.onAlarm(arn, alarm))
  const call = (operation: string, input: JsonObject, service: Service = autoscaling) =>
    service.operations[operation]?.({
      service: service.name,
      operation,
      ...account,
      requestId: 'r',
      input,
    }) as JsonObject
  call('RegisterScalableTarget', { ...VARIANT, MinCapacity: min, MaxCapacity: max })
  const track = (name: string, metric: string) =>
    call('PutScalingPolicy', {
      ...VARIANT,
      PolicyName: name,
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 5,
        ScaleOutCooldown: out,
        ScaleInCooldown: scaleIn,
        CustomizedMetricSpecification: { Namespace: 'N', MetricName: metric, Statistic: 'Average' },
      },
    })
  track('load', 'Load')
  await new Promise((resolve) => setImmediate(resolve))
  return {
    changes,
    variant,
    call,
    track,
    cloudwatch,
    block: (blocked: boolean) => {
      inProgress = blocked
    },
    async minutes(count: number, values: Record<string, number>) {
      for (let index = 0; index < count; index++) {
        for (const [name, value] of Object.entries(values)) {
          cloudwatch.put({ namespace: 'N', name, dimensions: {}, value })
        }
        await clock.advance(MINUTE)
      }
    },
  }
}

test('three datapoints above the target scale out, two do not', async (t) => {
  const { minutes, changes } = await world(t)
  await minutes(2, { Load: 10 })
  t.deepEqual(changes, [])
  await minutes(1, { Load: 10 })
  t.deepEqual(changes, [{ minute: 3, to: 2 }])
})

test('scaling out stops at the maximum, and waits for its cooldown between two steps', async (t) => {
  const { minutes, changes } = await world(t, { max: 7, out: 180 })
  await minutes(9, { Load: 10 })
  t.deepEqual(changes, [
    { minute: 3, to: 2 },
    { minute: 6, to: 4 },
    { minute: 9, to: 7 },
  ])
  await minutes(10, { Load: 100 })
  t.is(changes.length, 3)
})

test('fifteen datapoints below the target scale in to nothing, and the cooldown holds between two steps', async (t) => {
  const { minutes, changes } = await world(t, { desired: 3, in: 300 })
  await minutes(14, { Load: 2 })
  t.deepEqual(changes, [])
  await minutes(1, { Load: 2 })
  t.deepEqual(changes, [{ minute: 15, to: 2 }])
  await minutes(5, { Load: 0 })
  t.deepEqual(changes.slice(1), [{ minute: 20, to: 0 }])
})

test('an endpoint in progress is asked again every minute, and each refusal is an activity', async (t) => {
  const { minutes, changes, block, call } = await world(t)
  block(true)
  await minutes(5, { Load: 10 })
  t.deepEqual(changes, [])
  const { ScalingActivities } = call('DescribeScalingActivities', { ServiceNamespace: 'sagemaker' })
  const activities = ScalingActivities as { StatusCode: string; StatusMessage: string }[]
  t.deepEqual(
    activities.map((activity) => activity.StatusCode),
    ['Failed', 'Failed', 'Failed'],
  )
  t.regex(activities[0]?.StatusMessage ?? '', /in-progress endpoint/)
  block(false)
  await minutes(1, { Load: 10 })
  t.deepEqual(changes, [{ minute: 6, to: 2 }])
})

test('a count outside the bounds is brought within them by the first policy that acts, whatever the load', async (t) => {
  const { minutes, changes, variant, call } = await world(t, { max: 3, desired: 1 })
  call('RegisterScalableTarget', { ...VARIANT, MinCapacity: 0, MaxCapacity: 0 })
  t.deepEqual(changes, [{ minute: 0, to: 0 }])
  // As an update does that starts InitialInstanceCount instances.
  variant.desired = 1
  await minutes(3, { Load: 50 })
  t.deepEqual(changes.slice(1), [{ minute: 3, to: 0 }])
  await minutes(10, { Load: 50 })
  t.is(changes.length, 2)
})

test('suspended, dynamic scaling does not take the way that is suspended, not even into the bounds', async (t) => {
  const { minutes, changes, call, variant } = await world(t, { desired: 2, max: 5 })
  const suspend = (SuspendedState: JsonObject) =>
    call('RegisterScalableTarget', { ...VARIANT, MinCapacity: 0, MaxCapacity: 5, SuspendedState })
  suspend({ DynamicScalingOutSuspended: true, DynamicScalingInSuspended: true })
  await minutes(4, { Load: 10 })
  await minutes(16, { Load: 0 })
  variant.desired = 9
  await minutes(2, { Load: 0 })
  t.deepEqual(changes, [])
  variant.desired = 2
  suspend({ DynamicScalingOutSuspended: false })
  await minutes(3, { Load: 10 })
  t.deepEqual(changes, [{ minute: 25, to: 4 }])
  await minutes(20, { Load: 0 })
  t.is(changes.length, 1)
  suspend({ DynamicScalingInSuspended: false })
  await minutes(1, { Load: 0 })
  t.is(changes.at(-1)?.to, 0)
})

test('of several policies the largest capacity wins: one that is idle does not take from one that is busy', async (t) => {
  const { minutes, changes, track } = await world(t, { desired: 2, max: 5 })
  track('other', 'Other')
  await minutes(20, { Load: 0, Other: 5 })
  t.deepEqual(changes, [])
  await minutes(15, { Load: 0, Other: 2 })
  t.is(changes.at(-1)?.to, 1)
})

test('a policy that must not scale in keeps no low alarm; changed, it keeps its alarms', async (t) => {
  const { call, track, cloudwatch } = await world(t)
  const alarms = () => (cloudwatch.state().alarms as { name: string }[]).map(({ name }) => name)
  const before = alarms()
  t.is(before.length, 2)
  track('load', 'Load')
  t.deepEqual(alarms(), before)
  call('PutScalingPolicy', {
    ...VARIANT,
    PolicyName: 'load',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 5,
      DisableScaleIn: true,
      PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
    },
  })
  t.deepEqual(alarms(), before.slice(0, 1))
})

test('a policy that could have no effect is refused with the reason', async (t) => {
  const { call } = await world(t)
  const put = (input: JsonObject) => () => call('PutScalingPolicy', { ...VARIANT, PolicyName: 'p', ...input })
  const refused = (input: JsonObject, message: RegExp) => t.throws(put(input), { name: 'ValidationException', message })
  refused({ PolicyType: 'TargetTrackingScaling' }, /configuration is required/)
  refused({ PolicyType: 'PredictiveScaling' }, /no policies of type PredictiveScaling/)
  refused({ PolicyType: 'StepScaling', StepScalingPolicyConfiguration: {} }, /AdjustmentType/)
  refused(
    { PolicyType: 'TargetTrackingScaling', TargetTrackingScalingPolicyConfiguration: { TargetValue: 5 } },
    /either a predefined or a customized/,
  )
  refused(
    {
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 5,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      },
    },
    /no predefined metric/,
  )
})

test('data that the local store would count wrongly is refused, and nothing of the request is kept', async (t) => {
  const { call, cloudwatch } = await world(t)
  const put = (datum: JsonObject) =>
    call('PutMetricData', { Namespace: 'N', MetricData: [{ MetricName: 'M', Value: 1 }, datum] }, cloudwatch)
  t.throws(() => put({ MetricName: 'M', StatisticValues: { SampleCount: 1, Sum: 1, Minimum: 1, Maximum: 1 } }), {
    name: 'InvalidParameterCombination',
  })
  t.throws(() => put({ MetricName: 'M' }), { name: 'MissingParameter' })
  t.throws(() => put({ MetricName: 'M', Values: [1], Counts: [1e9] }), { name: 'InvalidParameterValue' })
  const statistics = () =>
    call(
      'GetMetricStatistics',
      {
        Namespace: 'N',
        MetricName: 'M',
        StartTime: new Date(0),
        EndTime: new Date(4e12),
        Period: 4e9,
        Statistics: ['Sum'],
      },
      cloudwatch,
    ).Datapoints as { Sum: number }[]
  t.deepEqual(statistics(), [])
  put({ MetricName: 'M', Values: [2, 3], Counts: [2, 1] })
  t.is(statistics()[0]?.Sum, 8)
})
