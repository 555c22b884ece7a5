import { ApiError } from '../../service.ts'
import type { AlarmDefinition } from '../cloudwatch/index.ts'
import type { StepScaling, TargetTracking } from './scaling.ts'
import type { Policy, Target } from './types.ts'

/** A target tracking policy scales in only well below its target, so that it does not swing. */
const SCALE_IN_MARGIN = 0.9
/** Datapoints of a minute; what users measured on AWS. */
const HIGH_DATAPOINTS = 3
const LOW_DATAPOINTS = 15

export type PolicyInput = {
  PolicyType?: string
  TargetTrackingScalingPolicyConfiguration?: TargetTracking & {
    CustomizedMetricSpecification?: { Metrics?: unknown[] }
  }
  StepScalingPolicyConfiguration?: StepScaling
}

/**
 * What a PutScalingPolicy asks for, checked.
 * @throws ApiError ValidationException for what AWS refuses, and for what would be accepted here without effect
 */
export function policyOf(input: PolicyInput): Pick<Policy, 'type' | 'targetTracking' | 'stepScaling'> {
  const { PolicyType: type = 'StepScaling' } = input
  if (type === 'TargetTrackingScaling') {
    const targetTracking = input.TargetTrackingScalingPolicyConfiguration
    if (!targetTracking) throw invalid(`${type} policy configuration is required`)
    const { CustomizedMetricSpecification: custom, PredefinedMetricSpecification: predefined } = targetTracking
    if (Boolean(custom) === Boolean(predefined)) {
      throw invalid('Specify either a predefined or a customized metric specification, not both')
    }
    if (custom?.Metrics) throw invalid('The local cloud tracks single metrics only, without metric math')
    if (!(targetTracking.TargetValue > 0)) throw invalid('TargetValue must be greater than 0')
    metricOf(targetTracking, '', '')
    return { type, targetTracking }
  }
  if (type !== 'StepScaling') throw invalid(`The local cloud has no policies of type ${type}`)
  const stepScaling = input.StepScalingPolicyConfiguration
  if (!stepScaling) throw invalid(`${type} policy configuration is required`)
  if (!stepScaling.AdjustmentType) throw invalid('AdjustmentType must be specified')
  if (!stepScaling.StepAdjustments?.length) throw invalid('At least one StepAdjustment must be specified')
  return { type, stepScaling }
}

type Metric = Pick<AlarmDefinition, 'Namespace' | 'MetricName' | 'Statistic'> & {
  Dimensions: { Name: string; Value: string }[]
}

function metricOf(policy: TargetTracking, endpointName: string, variantName: string): Metric {
  const custom = policy.CustomizedMetricSpecification
  if (custom) {
    const { Namespace, MetricName, Dimensions = [], Statistic } = custom
    if (!Namespace || !MetricName || !Statistic) throw invalid('Namespace, MetricName and Statistic must be specified')
    return { Namespace, MetricName, Dimensions, Statistic: Statistic as NonNullable<AlarmDefinition['Statistic']> }
  }
  const type = policy.PredefinedMetricSpecification?.PredefinedMetricType
  if (type !== 'SageMakerVariantInvocationsPerInstance') {
    throw invalid(`The local cloud has no predefined metric ${String(type)}`)
  }
  return {
    Namespace: 'AWS/SageMaker',
    MetricName: 'InvocationsPerInstance',
    Statistic: 'Sum',
    Dimensions: [
      { Name: 'EndpointName', Value: endpointName },
      { Name: 'VariantName', Value: variantName },
    ],
  }
}

/** The alarms that a target tracking policy keeps by itself; only the high one where it must not scale in. */
export function trackingAlarms(
  policy: TargetTracking,
  policyArn: string,
  target: Target,
  name: (kind: 'High' | 'Low') => string,
): AlarmDefinition[] {
  const common = {
    ...metricOf(policy, target.endpointName, target.variantName),
    Period: 60,
    AlarmActions: [policyArn],
    AlarmDescription: `DO NOT EDIT OR DELETE. For TargetTrackingScaling policy ${policyArn}.`,
  }
  const high = {
    ...common,
    AlarmName: name('High'),
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: policy.TargetValue,
    EvaluationPeriods: HIGH_DATAPOINTS,
  }
  const low = {
    ...common,
    AlarmName: name('Low'),
    ComparisonOperator: 'LessThanThreshold',
    Threshold: policy.TargetValue * SCALE_IN_MARGIN,
    EvaluationPeriods: LOW_DATAPOINTS,
  }
  return policy.DisableScaleIn ? [high] : [high, low]
}

function invalid(message: string): ApiError {
  return new ApiError('ValidationException', message)
}
