import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import {
  ApiError,
  type Call,
  type JsonObject,
  type ScalableTargets,
  type Service,
  type VariantCapacity,
} from '../../service.ts'
import type { Alarm, AlarmDefinition } from '../cloudwatch/index.ts'
import { type PolicyInput, policyOf, trackingAlarms } from './policies.ts'
import { clamp, type StepScaling, stepCapacity, type TargetTracking, targetTrackingCapacity } from './scaling.ts'
import type { Activity, Policy, Target } from './types.ts'

const DIMENSION = 'sagemaker:variant:DesiredInstanceCount'
/** AWS's default of both cooldowns for SageMaker variants, in seconds. */
const DEFAULT_COOLDOWN = 300
const MAX_ACTIVITIES = 200

export type AutoscalingOptions = {
  clock: Clock
  region: string
  accountId: string
  capacity: VariantCapacity
  alarms: {
    putAlarm(definition: AlarmDefinition): string
    deleteAlarm(name: string): void
    alarm(name: string): Alarm | undefined
  }
}

export type Autoscaling = Service & ScalableTargets & { onAlarm(actionArn: string, alarm: Alarm): void }

type Tags = Record<string, string>

/** Application Auto Scaling for SageMaker variants: targets, policies, and the capacity that follows from their alarms. */
export function autoscalingService({ clock, region, accountId, capacity, alarms }: AutoscalingOptions): Autoscaling {
  const targets = new Map<string, Target>()
  const policies = new Map<string, Policy>()
  const activities: Activity[] = []

  const policyKey = (resourceId: string, name: string) => `${resourceId}\n${name}`
  const policiesOf = (resourceId: string) => [...policies.values()].filter((policy) => policy.resourceId === resourceId)

  const dropAlarms = (dropped: Policy['alarms']): [] => {
    for (const { name } of dropped) alarms.deleteAlarm(name)
    return []
  }
  const dropPolicy = (policy: Policy) => {
    dropAlarms(policy.alarms)
    policies.delete(policyKey(policy.resourceId, policy.name))
  }
  const dropTarget = (target: Target) => {
    for (const policy of policiesOf(target.resourceId)) dropPolicy(policy)
    targets.delete(target.resourceId)
  }

  const setCapacity = (target: Target, wanted: number, cause: string) => {
    const before = capacity.describe(target.endpointName, target.variantName)
    if (!before || before.desired === wanted) return
    const activity: Activity = {
      id: randomUUID(),
      resourceId: target.resourceId,
      cause,
      description: `Setting desired instance count to ${wanted}.`,
      start: new Date(clock.now()),
      end: new Date(clock.now()),
      status: 'Successful',
      message: `Successfully set desired instance count to ${wanted}. Change successfully fulfilled by sagemaker.`,
    }
    try {
      capacity.setDesired(target.endpointName, target.variantName, wanted)
      if (wanted > before.desired) target.lastScaleOut = clock.now()
      else target.lastScaleIn = clock.now()
    } catch (error) {
      // The alarm stays in ALARM and asks again in a minute: an endpoint in progress is normal.
      activity.status = 'Failed'
      activity.message = `Failed to set desired instance count to ${wanted}. Reason: ${error instanceof Error ? error.message : String(error)}`
    }
    activities.unshift(activity)
    activities.length = Math.min(activities.length, MAX_ACTIVITIES)
  }

  const cooling = (since: number, seconds: number) => clock.now() - since < seconds * 1000

  /**
   * Scaling in takes all target tracking policies that may scale in: the largest capacity that one of them wants, undefined while one
   * is not below its target for long enough.
   */
  const agreedCapacity = (target: Target, desired: number): number | undefined => {
    const wanted: number[] = []
    for (const { targetTracking, alarms: kept } of policiesOf(target.resourceId)) {
      if (!targetTracking || targetTracking.DisableScaleIn) continue
      const low = kept.map(({ name }) => alarms.alarm(name)).find((alarm) => alarm?.name.includes('-AlarmLow-'))
      if (low?.state !== 'ALARM' || low.lastValue === undefined) return undefined
      wanted.push(targetTrackingCapacity(desired, low.lastValue, targetTracking.TargetValue))
    }
    return clamp(Math.max(0, ...wanted), target.min, target.max)
  }

  const track = (target: Target, policy: TargetTracking, alarm: Alarm, now: { desired: number }) => {
    const metric = alarm.lastValue
    if (metric === undefined) return
    const wanted = clamp(targetTrackingCapacity(now.desired, metric, policy.TargetValue), target.min, target.max)
    const cause = `monitor alarm ${alarm.name} in state ALARM triggered policy`
    if (wanted > now.desired && !cooling(target.lastScaleOut, policy.ScaleOutCooldown ?? DEFAULT_COOLDOWN)) {
      if (!target.suspended.DynamicScalingOutSuspended) setCapacity(target, wanted, cause)
    }
    const scaleInCooldown = policy.ScaleInCooldown ?? DEFAULT_COOLDOWN
    const settled = !cooling(Math.max(target.lastScaleIn, target.lastScaleOut), scaleInCooldown)
    if (wanted < now.desired && settled && !policy.DisableScaleIn && !target.suspended.DynamicScalingInSuspended) {
      const agreed = agreedCapacity(target, now.desired)
      if (agreed !== undefined && agreed < now.desired) setCapacity(target, Math.max(agreed, wanted), cause)
    }
  }

  const step = (target: Target, policy: StepScaling, alarm: Alarm, now: { desired: number }) => {
    if (alarm.lastValue === undefined) return
    if (cooling(target.lastScaleOut, policy.Cooldown ?? 0)) return
    const stepped = stepCapacity(policy, now.desired, alarm.lastValue, alarm.definition.Threshold)
    if (stepped === undefined) return
    const wanted = clamp(stepped, target.min, target.max)
    const suspended =
      wanted > now.desired ? target.suspended.DynamicScalingOutSuspended : target.suspended.DynamicScalingInSuspended
    if (!suspended) setCapacity(target, wanted, `monitor alarm ${alarm.name} in state ALARM triggered policy`)
  }

  const targetOf = (call: Call): Target => {
    const resourceId = call.input.ResourceId as string
    const target = targets.get(resourceId)
    if (target) return target
    throw new ApiError(
      'ObjectNotFoundException',
      `No scalable target found for service namespace: sagemaker, resource ID: ${resourceId}, scalable dimension: ${DIMENSION}`,
    )
  }
  const tagged = (call: Call): Map<string, string> => {
    const arn = call.input.ResourceARN
    const target = [...targets.values()].find((candidate) => candidate.arn === arn)
    if (!target) throw new ApiError('ResourceNotFoundException', `The resource ${String(arn)} was not found`)
    return target.tags
  }

  /** Makes the alarms that the policy needs, under the names that it has already, and deletes those that it needs no more. */
  const keepAlarms = (policy: Policy, target: Target): Policy['alarms'] => {
    if (!policy.targetTracking) return dropAlarms(policy.alarms)
    const definitions = trackingAlarms(
      policy.targetTracking,
      policy.arn,
      target,
      (kind) =>
        policy.alarms.find(({ name }) => name.includes(`-Alarm${kind}-`))?.name ??
        `TargetTracking-${target.resourceId}-Alarm${kind}-${randomUUID()}`,
    )
    dropAlarms(policy.alarms.filter(({ name }) => !definitions.some((definition) => definition.AlarmName === name)))
    return definitions.map((definition) => ({ name: definition.AlarmName, arn: alarms.putAlarm(definition) }))
  }

  return {
    name: 'application-autoscaling',
    has: (endpointName, variantName) => targets.has(resourceIdOf(endpointName, variantName)),
    deregister(endpointName) {
      for (const target of [...targets.values()]) if (target.endpointName === endpointName) dropTarget(target)
    },
    onAlarm(actionArn, alarm) {
      const policy = [...policies.values()].find((candidate) => candidate.arn === actionArn)
      const target = policy && targets.get(policy.resourceId)
      const now = target && capacity.describe(target.endpointName, target.variantName)
      if (!policy || !target || !now) return
      if (policy.targetTracking) track(target, policy.targetTracking, alarm, now)
      else if (policy.stepScaling) step(target, policy.stepScaling, alarm, now)
    },
    operations: {
      RegisterScalableTarget(call) {
        requireSagemaker(call)
        const resourceId = call.input.ResourceId as string
        const [, endpointName = '', , variantName = ''] = resourceId.split('/')
        const now = capacity.describe(endpointName, variantName)
        if (!/^endpoint\/[^/]+\/variant\/[^/]+$/.test(resourceId) || !now) {
          throw new ApiError('ValidationException', `SageMaker variant doesn't exist: ${resourceId}`)
        }
        const known = targets.get(resourceId)
        const min = (call.input.MinCapacity as number | undefined) ?? known?.min
        const max = (call.input.MaxCapacity as number | undefined) ?? known?.max
        if (min === undefined || max === undefined) {
          throw new ApiError(
            'ValidationException',
            'MinCapacity and MaxCapacity must be specified when registering a new scalable target',
          )
        }
        if (min > max)
          throw new ApiError('ValidationException', 'Maximum capacity cannot be less than minimum capacity')
        const target: Target = known ?? {
          arn: `arn:aws:application-autoscaling:${region}:${accountId}:scalable-target/${randomUUID().replaceAll('-', '').slice(0, 20)}`,
          resourceId,
          endpointName,
          variantName,
          min,
          max,
          created: new Date(clock.now()),
          tags: new Map(Object.entries((call.input.Tags as Tags | undefined) ?? {})),
          suspended: {},
          lastScaleOut: Number.NEGATIVE_INFINITY,
          lastScaleIn: Number.NEGATIVE_INFINITY,
        }
        Object.assign(target, { min, max, suspended: call.input.SuspendedState ?? target.suspended })
        targets.set(resourceId, target)
        const wanted = clamp(now.desired, min, max)
        if (wanted !== now.desired) setCapacity(target, wanted, 'minimum or maximum capacity was changed')
        return { ScalableTargetARN: target.arn }
      },
      DescribeScalableTargets(call) {
        requireSagemaker(call)
        const wanted = call.input.ResourceIds as string[] | undefined
        const found = [...targets.values()].filter((target) => !wanted || wanted.includes(target.resourceId))
        return paged(
          call,
          found,
          (target) => ({
            ServiceNamespace: 'sagemaker',
            ResourceId: target.resourceId,
            ScalableDimension: DIMENSION,
            MinCapacity: target.min,
            MaxCapacity: target.max,
            RoleARN: `arn:aws:iam::${accountId}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`,
            CreationTime: target.created,
            SuspendedState: target.suspended,
            ScalableTargetARN: target.arn,
          }),
          'ScalableTargets',
        )
      },
      DeregisterScalableTarget(call) {
        requireSagemaker(call)
        dropTarget(targetOf(call))
        return {}
      },
      PutScalingPolicy(call) {
        requireSagemaker(call)
        const target = targetOf(call)
        const PolicyName = call.input.PolicyName as string
        const checked = policyOf(call.input as PolicyInput)
        const known = policies.get(policyKey(target.resourceId, PolicyName))
        const policy: Policy = {
          arn:
            known?.arn ??
            `arn:aws:autoscaling:${region}:${accountId}:scalingPolicy:${randomUUID()}:resource/sagemaker/${target.resourceId}:policyName/${PolicyName}`,
          name: PolicyName,
          resourceId: target.resourceId,
          ...checked,
          created: known?.created ?? new Date(clock.now()),
          alarms: known?.alarms ?? [],
        }
        policy.alarms = keepAlarms(policy, target)
        policies.set(policyKey(target.resourceId, PolicyName), policy)
        return {
          PolicyARN: policy.arn,
          Alarms: policy.alarms.map(({ name, arn }) => ({ AlarmName: name, AlarmARN: arn })),
        }
      },
      DescribeScalingPolicies(call) {
        requireSagemaker(call)
        const { ResourceId, PolicyNames } = call.input as { ResourceId?: string; PolicyNames?: string[] }
        const found = (ResourceId ? policiesOf(ResourceId) : [...policies.values()]).filter(
          (policy) => !PolicyNames || PolicyNames.includes(policy.name),
        )
        return paged(
          call,
          found,
          (policy) => ({
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
          }),
          'ScalingPolicies',
        )
      },
      DeleteScalingPolicy(call) {
        requireSagemaker(call)
        const policy = policies.get(policyKey(call.input.ResourceId as string, call.input.PolicyName as string))
        if (!policy) {
          throw new ApiError(
            'ObjectNotFoundException',
            `No scaling policy found for service namespace: sagemaker, resource ID: ${String(call.input.ResourceId)}, scalable dimension: ${DIMENSION}, policy name: ${String(call.input.PolicyName)}`,
          )
        }
        dropPolicy(policy)
        return {}
      },
      DescribeScalingActivities(call) {
        requireSagemaker(call)
        const found = activities.filter(
          (activity) => !call.input.ResourceId || activity.resourceId === call.input.ResourceId,
        )
        return paged(
          call,
          found,
          (activity) => ({
            ActivityId: activity.id,
            ServiceNamespace: 'sagemaker',
            ResourceId: activity.resourceId,
            ScalableDimension: DIMENSION,
            Description: activity.description,
            Cause: activity.cause,
            StartTime: activity.start,
            EndTime: activity.end,
            StatusCode: activity.status,
            StatusMessage: activity.message,
          }),
          'ScalingActivities',
        )
      },
      ListTagsForResource: (call) => ({ Tags: Object.fromEntries(tagged(call)) }),
      TagResource(call) {
        const tags = tagged(call)
        for (const [key, value] of Object.entries(call.input.Tags as Tags)) tags.set(key, value)
        return {}
      },
      UntagResource(call) {
        const tags = tagged(call)
        for (const key of call.input.TagKeys as string[]) tags.delete(key)
        return {}
      },
    },
    state: () => ({
      scalableTargets: [...targets.values()].map(({ resourceId, min, max }) => ({ resourceId, min, max })),
      scalingPolicies: [...policies.values()].map(({ name, resourceId, type }) => ({ name, resourceId, type })),
    }),
  }
}

function resourceIdOf(endpointName: string, variantName: string): string {
  return `endpoint/${endpointName}/variant/${variantName}`
}

function requireSagemaker(call: Call): void {
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

function paged<T>(call: Call, items: T[], show: (item: T) => JsonObject, member: string): JsonObject {
  const start = Number((call.input.NextToken as string | undefined) ?? 0)
  const size = Math.min((call.input.MaxResults as number | undefined) ?? PAGE, PAGE)
  return {
    [member]: items.slice(start, start + size).map(show),
    ...(start + size < items.length ? { NextToken: String(start + size) } : {}),
  }
}
