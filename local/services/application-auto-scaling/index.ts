import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import {
  ApiError,
  type Call,
  type ScalableTargets,
  type Service,
  type TagSource,
  type VariantCapacity,
} from '../../service.ts'
import type { Alarm, AlarmDefinition } from '../cloudwatch/index.ts'
import { type PolicyInput, policyOf, trackingAlarms } from './policies.ts'
import { outOfBounds, scaler } from './scaler.ts'
import { clamp } from './scaling.ts'
import { scheduledActions } from './scheduled-actions.ts'
import type { Policy, SuspendedState, Target } from './types.ts'
import { activityView, DIMENSION, paged, policyView, requireSagemaker, targetView } from './views.ts'

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

export type Autoscaling = Service &
  TagSource &
  ScalableTargets & { onAlarm(actionArn: string, alarm: Alarm): void; stop(): Promise<void> }

type Tags = Record<string, string>

/** Application Auto Scaling for SageMaker variants: targets, policies, scheduled actions, and the capacity that follows from them. */
export function autoscalingService({ clock, region, accountId, capacity, alarms }: AutoscalingOptions): Autoscaling {
  const targets = new Map<string, Target>()
  const policies = new Map<string, Policy>()

  const policyKey = (resourceId: string, name: string) => `${resourceId}\n${name}`
  const policiesOf = (resourceId: string) => [...policies.values()].filter((policy) => policy.resourceId === resourceId)

  const { react, setCapacity, setBounds, activities } = scaler({ clock, capacity, policiesOf, alarm: alarms.alarm })

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
    scheduled.dropAll(target)
    targets.delete(target.resourceId)
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
  const scheduled = scheduledActions({ clock, region, accountId, targetOf, onDue: setBounds })
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
      if (policy && target) react(target, policy, alarm)
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
          suspended: NOTHING_SUSPENDED,
          lastScaleOut: Number.NEGATIVE_INFINITY,
          lastScaleIn: Number.NEGATIVE_INFINITY,
        }
        // Without a SuspendedState what is suspended stays so; a member that it lacks keeps its value.
        const suspended = { ...target.suspended, ...(call.input.SuspendedState as Partial<SuspendedState> | undefined) }
        Object.assign(target, { min, max, suspended })
        targets.set(resourceId, target)
        const wanted = clamp(now.desired, min, max)
        if (wanted !== now.desired) setCapacity(target, wanted, outOfBounds(target, now.desired))
        return { ScalableTargetARN: target.arn }
      },
      DescribeScalableTargets(call) {
        requireSagemaker(call)
        const wanted = call.input.ResourceIds as string[] | undefined
        const found = [...targets.values()].filter((target) => !wanted || wanted.includes(target.resourceId))
        return paged(call, found, targetView(accountId), 'ScalableTargets')
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
        return paged(call, found, policyView, 'ScalingPolicies')
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
      ...scheduled.operations,
      DescribeScalingActivities(call) {
        requireSagemaker(call)
        const found = activities().filter(
          (activity) => !call.input.ResourceId || activity.resourceId === call.input.ResourceId,
        )
        return paged(call, found, activityView, 'ScalingActivities')
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
    tagged: () =>
      [...targets.values()]
        .filter(({ tags }) => tags.size > 0)
        .map(({ arn, tags }) => ({ arn, tags: [...tags].map(([Key, Value]) => ({ Key, Value })) })),
    state: () => ({
      scalableTargets: [...targets.values()].map(({ resourceId, min, max }) => ({ resourceId, min, max })),
      scalingPolicies: [...policies.values()].map(({ name, resourceId, type }) => ({ name, resourceId, type })),
      scheduledActions: scheduled.state(),
    }),
    stop: async () => scheduled.stop(),
  }
}

const NOTHING_SUSPENDED: SuspendedState = {
  DynamicScalingInSuspended: false,
  DynamicScalingOutSuspended: false,
  ScheduledScalingSuspended: false,
}

function resourceIdOf(endpointName: string, variantName: string): string {
  return `endpoint/${endpointName}/variant/${variantName}`
}
