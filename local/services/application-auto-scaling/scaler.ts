import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { VariantCapacity } from '../../service.ts'
import type { Alarm } from '../cloudwatch/index.ts'
import { clamp, type StepScaling, stepCapacity, type TargetTracking, targetTrackingCapacity } from './scaling.ts'
import type { CapacityChange } from './scheduled-actions.ts'
import type { Activity, Policy, Target } from './types.ts'

/** AWS's default of both cooldowns for SageMaker variants, in seconds. */
const DEFAULT_COOLDOWN = 300
/** Of all targets: enough for a thousand of them to say what became of their last changes. */
const MAX_ACTIVITIES = 5_000

export type ScalerOptions = {
  clock: Clock
  capacity: VariantCapacity
  policiesOf(resourceId: string): Policy[]
  alarm(name: string): Alarm | undefined
}

export type Scaler = {
  /** What a policy does about its alarm. */
  react(target: Target, policy: Policy, alarm: Alarm): void
  setCapacity(target: Target, wanted: number, cause: string): void
  /** Gives a target the bounds of a scheduled action, and the capacity that follows from them. */
  setBounds(target: Target, actionName: string, bounds: CapacityChange): void
  /** The newest first. */
  activities(): readonly Activity[]
}

/** Changes the capacity of variants as policies ask, within cooldowns and bounds, and keeps a record of it. */
export function scaler({ clock, capacity, policiesOf, alarm: alarmNamed }: ScalerOptions): Scaler {
  const activities: Activity[] = []

  const record = (target: Target, cause: string, description: string, message: string): Activity => {
    const activity: Activity = {
      id: randomUUID(),
      resourceId: target.resourceId,
      cause,
      description,
      start: new Date(clock.now()),
      end: undefined,
      status: 'InProgress',
      message,
    }
    activities.unshift(activity)
    activities.length = Math.min(activities.length, MAX_ACTIVITIES)
    return activity
  }
  const finish = (activity: Activity, status: 'Successful' | 'Failed', message: string) =>
    Object.assign(activity, { end: new Date(clock.now()), status, message })

  const setCapacity = (target: Target, wanted: number, cause: string) => {
    const before = capacity.describe(target.endpointName, target.variantName)
    if (!before || before.desired === wanted) return
    const set = `set desired instance count to ${wanted}.`
    const activity = record(target, cause, `Setting desired instance count to ${wanted}.`, `Successfully ${set}`)
    const failed = (reason: string) => finish(activity, 'Failed', `Failed to ${set} Reason: ${reason}`)
    try {
      const change = capacity.setDesired(target.endpointName, target.variantName, wanted)
      if (wanted > before.desired) target.lastScaleOut = clock.now()
      else target.lastScaleIn = clock.now()
      void change.then((reason) => {
        if (reason !== undefined) failed(reason)
        else finish(activity, 'Successful', `Successfully ${set} Change successfully fulfilled by sagemaker.`)
      })
    } catch (error) {
      // The alarm stays in ALARM and asks again in a minute: an endpoint in progress is normal.
      failed(error instanceof Error ? error.message : String(error))
    }
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
      const low = kept.map(({ name }) => alarmNamed(name)).find((alarm) => alarm?.name.includes('-AlarmLow-'))
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

  const setBounds = (target: Target, actionName: string, bounds: CapacityChange) => {
    if (target.suspended.ScheduledScalingSuspended) return
    const { MinCapacity: min, MaxCapacity: max } = bounds
    const what = [
      ...(min === undefined ? [] : [`min capacity to ${min}`]),
      ...(max === undefined ? [] : [`max capacity to ${max}`]),
    ].join(' and ')
    const activity = record(target, `scheduled action name ${actionName} was triggered`, `Setting ${what}`, '')
    const [lowest, highest] = [min ?? target.min, max ?? target.max]
    if (lowest > highest) {
      const reason = 'Maximum capacity cannot be less than minimum capacity'
      finish(activity, 'Failed', `Failed to set ${what}. Reason: ${reason}`)
      return
    }
    Object.assign(target, { min: lowest, max: highest })
    finish(activity, 'Successful', `Successfully set ${what}`)
    const now = capacity.describe(target.endpointName, target.variantName)
    if (now) setCapacity(target, clamp(now.desired, lowest, highest), outOfBounds(target, now.desired))
  }

  return {
    setCapacity,
    setBounds,
    activities: () => activities,
    react(target, policy, alarm) {
      const now = capacity.describe(target.endpointName, target.variantName)
      if (!now) return
      // Somebody else's count, such as an update's InitialInstanceCount: any policy that acts brings it within bounds first.
      const within = clamp(now.desired, target.min, target.max)
      if (within !== now.desired) {
        const { DynamicScalingInSuspended: noIn, DynamicScalingOutSuspended: noOut } = target.suspended
        if (!(within < now.desired ? noIn : noOut)) setCapacity(target, within, outOfBounds(target, now.desired))
        return
      }
      if (policy.targetTracking) track(target, policy.targetTracking, alarm, now)
      else if (policy.stepScaling) step(target, policy.stepScaling, alarm, now)
    },
  }
}

/** Why a count is changed that no policy asked for, in Application Auto Scaling's words. */
export function outOfBounds({ min, max }: Pick<Target, 'min' | 'max'>, desired: number): string {
  return desired < min ? `minimum capacity was set to ${min}` : `maximum capacity was set to ${max}`
}
