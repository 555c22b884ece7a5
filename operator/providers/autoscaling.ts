import { isDeepStrictEqual } from 'node:util'
import type {
  DeregisterScalableTargetCommandInput,
  DeregisterScalableTargetCommandOutput,
  DescribeScalableTargetsCommandInput,
  DescribeScalableTargetsCommandOutput,
  DescribeScalingPoliciesCommandInput,
  DescribeScalingPoliciesCommandOutput,
  PutScalingPolicyCommandInput,
  PutScalingPolicyCommandOutput,
  RegisterScalableTargetCommandInput,
  RegisterScalableTargetCommandOutput,
} from '@aws-sdk/client-application-auto-scaling'
import type {
  DeleteAlarmsCommandInput,
  DeleteAlarmsCommandOutput,
  DescribeAlarmsCommandInput,
  DescribeAlarmsCommandOutput,
  PutMetricAlarmCommandInput,
  PutMetricAlarmCommandOutput,
} from '@aws-sdk/client-cloudwatch'
import { type Operation, within } from './call.ts'
import { isNotRegistered } from './errors.ts'

export type AutoscalingApi = {
  registerScalableTarget: Operation<RegisterScalableTargetCommandInput, RegisterScalableTargetCommandOutput>
  deregisterScalableTarget: Operation<DeregisterScalableTargetCommandInput, DeregisterScalableTargetCommandOutput>
  describeScalableTargets: Operation<DescribeScalableTargetsCommandInput, DescribeScalableTargetsCommandOutput>
  putScalingPolicy: Operation<PutScalingPolicyCommandInput, PutScalingPolicyCommandOutput>
  describeScalingPolicies: Operation<DescribeScalingPoliciesCommandInput, DescribeScalingPoliciesCommandOutput>
}
export type AlarmApi = {
  putMetricAlarm: Operation<PutMetricAlarmCommandInput, PutMetricAlarmCommandOutput>
  describeAlarms: Operation<DescribeAlarmsCommandInput, DescribeAlarmsCommandOutput>
  deleteAlarms: Operation<DeleteAlarmsCommandInput, DeleteAlarmsCommandOutput>
}

/** All that makes one variant scale. The alarm's action, the step policy's ARN, is known only once that policy is there. */
export type DesiredAutoscaling = {
  target: RegisterScalableTargetCommandInput
  tracking: PutScalingPolicyCommandInput
  wake: PutScalingPolicyCommandInput
  wakeAlarm: PutMetricAlarmCommandInput
}

/** Application Auto Scaling and the alarm that wakes an endpoint. Every put replaces what is there, so a repeat is harmless. */
export function autoscaling(scaling: AutoscalingApi, alarms: AlarmApi) {
  return {
    /** Whether target, policies and alarm are all there and as desired. Three calls. */
    async upToDate(desired: DesiredAutoscaling, signal: AbortSignal): Promise<boolean> {
      const { ServiceNamespace, ResourceId, ScalableDimension } = desired.target
      const [targets, policies, alarm] = await Promise.all([
        scaling.describeScalableTargets(
          { ServiceNamespace, ResourceIds: [String(ResourceId)], ScalableDimension },
          within(signal),
        ),
        scaling.describeScalingPolicies({ ServiceNamespace, ResourceId, ScalableDimension }, within(signal)),
        alarms.describeAlarms({ AlarmNames: [String(desired.wakeAlarm.AlarmName)] }, within(signal)),
      ])
      const find = (name: string | undefined) => policies.ScalingPolicies?.find((policy) => policy.PolicyName === name)
      const wake = find(desired.wake.PolicyName)
      return (
        includes(targets.ScalableTargets?.[0], pick(desired.target, ['MinCapacity', 'MaxCapacity'])) &&
        includes(
          find(desired.tracking.PolicyName),
          pick(desired.tracking, ['PolicyType', 'TargetTrackingScalingPolicyConfiguration']),
        ) &&
        includes(wake, pick(desired.wake, ['PolicyType', 'StepScalingPolicyConfiguration'])) &&
        includes(alarm.MetricAlarms?.[0], { ...alarmOf(desired), AlarmActions: [wake?.PolicyARN] })
      )
    },

    /** Makes target, policies and alarm as desired. Four calls. */
    async put(desired: DesiredAutoscaling, signal: AbortSignal): Promise<void> {
      await scaling.registerScalableTarget(desired.target, within(signal))
      const [wake] = await Promise.all([
        scaling.putScalingPolicy(desired.wake, within(signal)),
        scaling.putScalingPolicy(desired.tracking, within(signal)),
      ])
      await alarms.putMetricAlarm({ ...desired.wakeAlarm, AlarmActions: [String(wake.PolicyARN)] }, within(signal))
    },

    /** Deregistering deletes the target's policies with it. Nothing where there is no target. */
    async deregister(desired: DesiredAutoscaling, signal: AbortSignal): Promise<void> {
      const { ServiceNamespace, ResourceId, ScalableDimension } = desired.target
      try {
        await scaling.deregisterScalableTarget({ ServiceNamespace, ResourceId, ScalableDimension }, within(signal))
      } catch (error) {
        if (!isNotRegistered(error)) throw error
      }
    },

    /** The alarm is ours alone: nothing else deletes it. Nothing where there is none. */
    async deleteAlarm(desired: DesiredAutoscaling, signal: AbortSignal): Promise<void> {
      await alarms.deleteAlarms({ AlarmNames: [String(desired.wakeAlarm.AlarmName)] }, within(signal))
    },
  }
}

export type Autoscaling = ReturnType<typeof autoscaling>

/** Tags are not among what DescribeAlarms answers. */
function alarmOf({ wakeAlarm: { Tags: _, ...alarm } }: DesiredAutoscaling) {
  return alarm
}

/** Whether `actual` has everything that `wanted` says; AWS adds defaults of its own. Lists must be the same. */
export function includes(actual: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true
  if (Array.isArray(wanted))
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((item, index) => includes(actual[index], item))
    )
  if (typeof wanted === 'object' && wanted !== null)
    return (
      typeof actual === 'object' &&
      actual !== null &&
      Object.entries(wanted).every(([key, value]) => includes((actual as Record<string, unknown>)[key], value))
    )
  return isDeepStrictEqual(actual, wanted)
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
}
