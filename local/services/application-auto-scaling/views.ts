import { ApiError, type Call, type JsonObject } from '../../service.ts'
import type { Activity, Policy, Target } from './types.ts'

export const DIMENSION = 'sagemaker:variant:DesiredInstanceCount'

export const targetView =
  (accountId: string) =>
  (target: Target): JsonObject => ({
    ServiceNamespace: 'sagemaker',
    ResourceId: target.resourceId,
    ScalableDimension: DIMENSION,
    MinCapacity: target.min,
    MaxCapacity: target.max,
    RoleARN: `arn:aws:iam::${accountId}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`,
    CreationTime: target.created,
    SuspendedState: target.suspended,
    ScalableTargetARN: target.arn,
  })

export const policyView = (policy: Policy): JsonObject => ({
  PolicyARN: policy.arn,
  PolicyName: policy.name,
  ServiceNamespace: 'sagemaker',
  ResourceId: policy.resourceId,
  ScalableDimension: DIMENSION,
  PolicyType: policy.type,
  TargetTrackingScalingPolicyConfiguration: policy.targetTracking,
  StepScalingPolicyConfiguration: policy.stepScaling,
  Alarms: policy.alarms.map(({ name, arn }) => ({ AlarmName: name, AlarmARN: arn })),
  CreationTime: policy.created,
})

export const activityView = (activity: Activity): JsonObject => ({
  ActivityId: activity.id,
  ServiceNamespace: 'sagemaker',
  ResourceId: activity.resourceId,
  ScalableDimension: DIMENSION,
  Description: activity.description,
  Cause: activity.cause,
  StartTime: activity.start,
  ...(activity.end ? { EndTime: activity.end } : {}),
  StatusCode: activity.status,
  StatusMessage: activity.message,
})

/** @throws ApiError for every namespace and dimension but those of SageMaker's variants. */
export function requireSagemaker(call: Call): void {
  const { ServiceNamespace, ScalableDimension } = call.input
  if (ServiceNamespace !== 'sagemaker') {
    throw new ApiError('ValidationException', 'The local cloud scales the service namespace sagemaker only')
  }
  if (ScalableDimension !== undefined && ScalableDimension !== DIMENSION) {
    throw new ApiError(
      'ValidationException',
      `Unsupported service namespace, resource type or scalable dimension: ${String(ScalableDimension)}`,
    )
  }
}

const PAGE = 50

/** One page of `items`, under the name of the output's `member`. */
export function paged<T>(call: Call, items: T[], show: (item: T) => JsonObject, member: string): JsonObject {
  const start = Number((call.input.NextToken as string | undefined) ?? 0)
  const size = Math.min((call.input.MaxResults as number | undefined) ?? PAGE, PAGE)
  return {
    [member]: items.slice(start, start + size).map(show),
    ...(start + size < items.length ? { NextToken: String(start + size) } : {}),
  }
}
