import type { Tag } from '@aws-sdk/client-sagemaker'
import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import type { DesiredAutoscaling, ScalableVariant } from '../../providers/autoscaling-differences.ts'

const NAMESPACE = 'AWS/SageMaker'
/** SageMaker publishes the backlog once a minute. */
const PERIOD_SECONDS = 60
/** AWS's recommendation for waking an asynchronous endpoint: one stray datapoint starts no instance. */
const WAKE_DATAPOINTS = 2

/** What names an endpoint's variant to Application Auto Scaling. */
export function scalableVariant(endpointName: string, variant: string): ScalableVariant {
  return {
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${endpointName}/variant/${variant}`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  }
}

/** The name of the alarm that wakes an endpoint. */
export function wakeAlarmName(base: string): string {
  return `${base}-wake`
}

/**
 * Scaling by backlog: target tracking between one and the maximum, and a step policy with its alarm from zero. At zero there is no
 * per-instance metric to track, so that without the second an endpoint never wakes.
 * @param names.base begins the names of policies, actions and alarm: no other object's do
 * @param held whether nothing may be started, by whatever policy or schedule; scaling in goes on
 */
export function desiredAutoscaling(
  names: { endpoint: string; base: string; variant: string },
  scaling: AsyncInferenceEndpointSpec['scaling'],
  tags: Tag[],
  held: boolean,
): DesiredAutoscaling {
  const variant = scalableVariant(names.endpoint, names.variant)
  const dimensions = [{ Name: 'EndpointName', Value: names.endpoint }]
  const scheduledPrefix = `${names.base}-schedule-`
  return {
    target: {
      ...variant,
      MinCapacity: scaling.minInstances,
      MaxCapacity: scaling.maxInstances,
      // All three are said: what a request leaves out stays as it is, also what was held before.
      SuspendedState: {
        DynamicScalingInSuspended: false,
        DynamicScalingOutSuspended: held,
        ScheduledScalingSuspended: held,
      },
    },
    tracking: {
      ...variant,
      PolicyName: `${names.base}-backlog`,
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: scaling.targetBacklogPerInstance,
        ScaleInCooldown: scaling.scaleInCooldownSeconds,
        ScaleOutCooldown: scaling.scaleOutCooldownSeconds,
        CustomizedMetricSpecification: {
          MetricName: 'ApproximateBacklogSizePerInstance',
          Namespace: NAMESPACE,
          Dimensions: dimensions,
          Statistic: 'Average',
        },
      },
    },
    wake: {
      ...variant,
      PolicyName: `${names.base}-wake`,
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        MetricAggregationType: 'Average',
        Cooldown: scaling.scaleOutCooldownSeconds,
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      },
    },
    wakeAlarm: {
      AlarmName: wakeAlarmName(names.base),
      AlarmDescription: 'Requests wait and no instance runs: starts the first one. Managed by Mooring.',
      Namespace: NAMESPACE,
      MetricName: 'HasBacklogWithoutCapacity',
      Dimensions: dimensions,
      Statistic: 'Average',
      Period: PERIOD_SECONDS,
      EvaluationPeriods: WAKE_DATAPOINTS,
      DatapointsToAlarm: WAKE_DATAPOINTS,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'missing',
      Tags: tags,
    },
    scheduled: (scaling.schedule ?? []).map((action) => ({
      ...variant,
      ScheduledActionName: `${scheduledPrefix}${action.name}`,
      Schedule: action.schedule,
      ...(action.timezone ? { Timezone: action.timezone } : {}),
      ...(action.startTime ? { StartTime: new Date(action.startTime) } : {}),
      ...(action.endTime ? { EndTime: new Date(action.endTime) } : {}),
      ScalableTargetAction: {
        ...(action.minInstances === undefined ? {} : { MinCapacity: action.minInstances }),
        ...(action.maxInstances === undefined ? {} : { MaxCapacity: action.maxInstances }),
      },
    })),
    scheduledPrefix,
  }
}
