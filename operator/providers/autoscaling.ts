import type {
  DeleteScheduledActionCommandInput,
  DeleteScheduledActionCommandOutput,
  DeregisterScalableTargetCommandInput,
  DeregisterScalableTargetCommandOutput,
  DescribeScalableTargetsCommandInput,
  DescribeScalableTargetsCommandOutput,
  DescribeScalingPoliciesCommandInput,
  DescribeScalingPoliciesCommandOutput,
  DescribeScheduledActionsCommandInput,
  DescribeScheduledActionsCommandOutput,
  PutScalingPolicyCommandInput,
  PutScalingPolicyCommandOutput,
  PutScheduledActionCommandInput,
  PutScheduledActionCommandOutput,
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
import {
  type DesiredAutoscaling,
  type Differences,
  differences,
  pickVariant,
  type ScalableVariant,
  surplus,
} from './autoscaling-differences.ts'
import { type Operation, within } from './call.ts'
import { isNotRegistered } from './errors.ts'

export type AutoscalingApi = {
  registerScalableTarget: Operation<RegisterScalableTargetCommandInput, RegisterScalableTargetCommandOutput>
  deregisterScalableTarget: Operation<DeregisterScalableTargetCommandInput, DeregisterScalableTargetCommandOutput>
  describeScalableTargets: Operation<DescribeScalableTargetsCommandInput, DescribeScalableTargetsCommandOutput>
  putScalingPolicy: Operation<PutScalingPolicyCommandInput, PutScalingPolicyCommandOutput>
  describeScalingPolicies: Operation<DescribeScalingPoliciesCommandInput, DescribeScalingPoliciesCommandOutput>
  putScheduledAction: Operation<PutScheduledActionCommandInput, PutScheduledActionCommandOutput>
  describeScheduledActions: Operation<DescribeScheduledActionsCommandInput, DescribeScheduledActionsCommandOutput>
  deleteScheduledAction: Operation<DeleteScheduledActionCommandInput, DeleteScheduledActionCommandOutput>
}
export type AlarmApi = {
  putMetricAlarm: Operation<PutMetricAlarmCommandInput, PutMetricAlarmCommandOutput>
  describeAlarms: Operation<DescribeAlarmsCommandInput, DescribeAlarmsCommandOutput>
  deleteAlarms: Operation<DeleteAlarmsCommandInput, DeleteAlarmsCommandOutput>
}

/** Application Auto Scaling and the alarm that wakes an endpoint. Every put replaces what is there, so a repeat is harmless. */
export function autoscaling(scaling: AutoscalingApi, alarms: AlarmApi) {
  const scheduledActions = async (variant: ScalableVariant, signal: AbortSignal) => {
    const found = await scaling.describeScheduledActions(pickVariant(variant), within(signal))
    return found.ScheduledActions ?? []
  }

  return {
    /** Looks at target, policies, alarm and, where there is one, the schedule. Three calls, or four. */
    async differences(desired: DesiredAutoscaling, signal: AbortSignal): Promise<Differences> {
      const { ServiceNamespace, ResourceId, ScalableDimension } = desired.target
      const [targets, policies, alarm, scheduled] = await Promise.all([
        scaling.describeScalableTargets(
          { ServiceNamespace, ResourceIds: [String(ResourceId)], ScalableDimension },
          within(signal),
        ),
        scaling.describeScalingPolicies({ ServiceNamespace, ResourceId, ScalableDimension }, within(signal)),
        alarms.describeAlarms({ AlarmNames: [String(desired.wakeAlarm.AlarmName)] }, within(signal)),
        desired.scheduled.length > 0 ? scheduledActions(desired.target, signal) : [],
      ])
      return differences(desired, {
        target: targets.ScalableTargets?.[0],
        policies: policies.ScalingPolicies ?? [],
        alarm: alarm.MetricAlarms?.[0],
        scheduled,
      })
    },

    /**
     * Makes everything as desired: four calls, and one for each scheduled action.
     * @param options.bounds whether the target's bounds are set too, which undoes what its schedule last did
     * @param options.clean whether scheduled actions of ours that are not desired are looked for and deleted
     */
    async put(
      desired: DesiredAutoscaling,
      options: { bounds: boolean; clean: boolean },
      signal: AbortSignal,
    ): Promise<void> {
      if (options.bounds) await scaling.registerScalableTarget(desired.target, within(signal))
      const [wake] = await Promise.all([
        scaling.putScalingPolicy(desired.wake, within(signal)),
        scaling.putScalingPolicy(desired.tracking, within(signal)),
        ...desired.scheduled.map((action) => scaling.putScheduledAction(action, within(signal))),
      ])
      await alarms.putMetricAlarm({ ...desired.wakeAlarm, AlarmActions: [String(wake.PolicyARN)] }, within(signal))
      if (!options.clean) return
      const variant = pickVariant(desired.target)
      for (const { ScheduledActionName } of surplus(await scheduledActions(variant, signal), desired))
        await scaling.deleteScheduledAction({ ...variant, ScheduledActionName }, within(signal))
    },

    /** Deregistering deletes the target's policies and scheduled actions with it. Nothing where there is no target. */
    async deregister(variant: ScalableVariant, signal: AbortSignal): Promise<void> {
      try {
        await scaling.deregisterScalableTarget(pickVariant(variant), within(signal))
      } catch (error) {
        if (!isNotRegistered(error)) throw error
      }
    },

    /** The alarm is ours alone: nothing else deletes it. Nothing where there is none. */
    async deleteAlarm(name: string, signal: AbortSignal): Promise<void> {
      await alarms.deleteAlarms({ AlarmNames: [name] }, within(signal))
    },
  }
}

export type Autoscaling = ReturnType<typeof autoscaling>
