import type { Tag } from '@aws-sdk/client-sagemaker'
import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import type { DesiredAutoscaling } from '../../providers/autoscaling.ts'

const NAMESPACE = 'AWS/SageMaker'
/** SageMaker publishes the backlog once a minute. */
const PERIOD_SECONDS = 60
/** AWS's recommendation for waking an asynchronous endpoint: one stray datapoint starts no instance. */
const WAKE_DATAPOINTS = 2

/**
 * Scaling by backlog: target tracking between one and the maximum, and a step policy with its alarm from zero. At zero there is no
 * per-instance metric to track, so that without the second an endpoint never wakes.
 */
export function desiredAutoscaling(
  endpointName: string,
  variant: string,
  scaling: AsyncInferenceEndpointSpec['scaling'],
  tags: Tag[],
): DesiredAutoscaling {
  const target = {
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${endpointName}/variant/${variant}`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  } as const
  const dimensions = [{ Name: 'EndpointName', Value: endpointName }]
  return {
    target: { ...target, MinCapacity: scaling.minInstances, MaxCapacity: scaling.maxInstances },
    tracking: {
      ...target,
      PolicyName: `${endpointName}-backlog`,
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
      ...target,
      PolicyName: `${endpointName}-wake`,
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        MetricAggregationType: 'Average',
        Cooldown: scaling.scaleOutCooldownSeconds,
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      },
    },
    wakeAlarm: {
      AlarmName: `${endpointName}-wake`,
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
  }
}
