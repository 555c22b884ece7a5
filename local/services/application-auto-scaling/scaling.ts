/** Pure arithmetic of Application Auto Scaling's policies. */

export type TargetTracking = {
  TargetValue: number
  ScaleInCooldown?: number
  ScaleOutCooldown?: number
  DisableScaleIn?: boolean
  CustomizedMetricSpecification?: {
    MetricName: string
    Namespace: string
    Dimensions?: { Name: string; Value: string }[]
    Statistic: string
    Unit?: string
  }
  PredefinedMetricSpecification?: { PredefinedMetricType: string; ResourceLabel?: string }
}

export type StepScaling = {
  AdjustmentType?: string
  StepAdjustments?: {
    MetricIntervalLowerBound?: number
    MetricIntervalUpperBound?: number
    ScalingAdjustment: number
  }[]
  Cooldown?: number
  MetricAggregationType?: string
  MinAdjustmentMagnitude?: number
}

/**
 * The capacity at which the metric per instance would meet its target, assuming that the load stays and is spread evenly.
 * A metric that is nothing needs nothing.
 */
export function targetTrackingCapacity(current: number, metric: number, target: number): number {
  return Math.ceil((current * metric) / target)
}

/** The capacity after the step that the breach falls into; undefined when it falls into none. */
export function stepCapacity(
  policy: StepScaling,
  current: number,
  metric: number,
  threshold: number,
): number | undefined {
  const breach = metric - threshold
  const step = policy.StepAdjustments?.find(
    ({ MetricIntervalLowerBound: lower, MetricIntervalUpperBound: upper }) =>
      breach >= (lower ?? Number.NEGATIVE_INFINITY) && breach < (upper ?? Number.POSITIVE_INFINITY),
  )
  if (!step) return undefined
  switch (policy.AdjustmentType) {
    case 'ExactCapacity':
      return step.ScalingAdjustment
    case 'PercentChangeInCapacity': {
      const change = (current * step.ScalingAdjustment) / 100
      const whole = change > 0 ? Math.max(1, Math.floor(change)) : Math.min(-1, Math.ceil(change))
      return current + whole
    }
    default:
      return current + step.ScalingAdjustment
  }
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
