import { isDeepStrictEqual } from 'node:util'
import type {
  PutScalingPolicyCommandInput,
  PutScheduledActionCommandInput,
  RegisterScalableTargetCommandInput,
  ScalableTarget,
  ScalingPolicy,
  ScheduledAction,
} from '@aws-sdk/client-application-auto-scaling'
import type { MetricAlarm, PutMetricAlarmCommandInput } from '@aws-sdk/client-cloudwatch'

/** What names a variant to Application Auto Scaling. */
export type ScalableVariant = Pick<
  RegisterScalableTargetCommandInput,
  'ServiceNamespace' | 'ResourceId' | 'ScalableDimension'
>

/** All that makes one variant scale. The alarm's action, the step policy's ARN, is known only once that policy is there. */
export type DesiredAutoscaling = {
  target: RegisterScalableTargetCommandInput & { MinCapacity: number; MaxCapacity: number }
  tracking: PutScalingPolicyCommandInput
  wake: PutScalingPolicyCommandInput
  wakeAlarm: PutMetricAlarmCommandInput
  /** Their names begin with `scheduledPrefix`, and no other actions' do. */
  scheduled: PutScheduledActionCommandInput[]
  scheduledPrefix: string
}

/** What is not as desired. */
export type Differences = {
  /** For people: what differs. */
  what: string[]
  /** Whether the target itself is missing or has bounds that neither the spec nor its schedule gave it. */
  target: boolean
}

/** What was found. */
export type SeenAutoscaling = {
  target: Partial<ScalableTarget> | undefined
  policies: Partial<ScalingPolicy>[]
  alarm: MetricAlarm | undefined
  scheduled: Partial<ScheduledAction>[]
}

/** What of it is not as desired. */
export function differences(desired: DesiredAutoscaling, seen: SeenAutoscaling): Differences {
  const find = (name: string | undefined) => seen.policies.find((policy) => policy.PolicyName === name)
  const wake = find(desired.wake.PolicyName)
  const tracking = pick(desired.tracking, ['PolicyType', 'TargetTrackingScalingPolicyConfiguration'])
  const { Tags: _, ...alarm } = desired.wakeAlarm
  const what: string[] = []
  const target = targetDifference(seen.target, desired)
  if (target) what.push(target)
  if (!includes(find(desired.tracking.PolicyName), tracking)) what.push('the target tracking policy')
  if (!includes(wake, pick(desired.wake, ['PolicyType', 'StepScalingPolicyConfiguration'])))
    what.push('the step policy')
  // Tags are not among what DescribeAlarms answers.
  if (!includes(seen.alarm, { ...alarm, AlarmActions: [wake?.PolicyARN] })) what.push('the wake-up alarm')
  for (const action of desired.scheduled) {
    const found = seen.scheduled.find(({ ScheduledActionName: name }) => name === action.ScheduledActionName)
    if (!includes(found, pick(action, ['Schedule', 'Timezone', 'StartTime', 'EndTime', 'ScalableTargetAction'])))
      what.push(`the scheduled action ${action.ScheduledActionName}`)
  }
  for (const { ScheduledActionName: name } of surplus(seen.scheduled, desired))
    what.push(`the scheduled action ${name}`)
  return { what, target: target !== undefined }
}

/** What is wrong with the target; its schedule may have set other bounds than the spec's. */
function targetDifference(
  target: SeenAutoscaling['target'],
  { target: wanted, scheduled }: DesiredAutoscaling,
): string | undefined {
  if (!target) return 'the scalable target'
  const actions = scheduled.map(({ ScalableTargetAction: action }) => action)
  const allowed = (actual: number | undefined, spec: number, set: (number | undefined)[]) =>
    actual === spec || (actual !== undefined && set.includes(actual))
  const min = allowed(
    target.MinCapacity,
    wanted.MinCapacity,
    actions.map((action) => action?.MinCapacity),
  )
  const max = allowed(
    target.MaxCapacity,
    wanted.MaxCapacity,
    actions.map((action) => action?.MaxCapacity),
  )
  if (min && max)
    return includes(target, pick(wanted, ['SuspendedState'])) ? undefined : 'what is suspended at the scalable target'
  return `the scalable target (${target.MinCapacity}-${target.MaxCapacity} instances instead of ${wanted.MinCapacity}-${wanted.MaxCapacity})`
}

/** Scheduled actions of ours that are not desired. */
export function surplus<T extends { ScheduledActionName?: string | undefined }>(
  found: T[],
  { scheduled, scheduledPrefix }: DesiredAutoscaling,
): T[] {
  return found.filter(
    ({ ScheduledActionName: name }) =>
      name?.startsWith(scheduledPrefix) && !scheduled.some(({ ScheduledActionName }) => ScheduledActionName === name),
  )
}

/** Only what names the variant; the SDK refuses other members in some calls. */
export function pickVariant({ ServiceNamespace, ResourceId, ScalableDimension }: ScalableVariant): ScalableVariant {
  return { ServiceNamespace, ResourceId, ScalableDimension }
}

/** Whether `actual` has everything that `wanted` says; AWS adds defaults of its own. Lists must be the same. */
export function includes(actual: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true
  if (wanted instanceof Date) return actual instanceof Date && actual.getTime() === wanted.getTime()
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
