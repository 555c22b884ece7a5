import { arnOf } from './arns.ts'
import { nameOf, VARIANT } from './desired.ts'
import { desiredAutoscaling } from './desired-autoscaling.ts'
import type { Pass } from './pass.ts'

/**
 * Takes the tags off the alarm that wakes the endpoint: an orphan by its tags would be collected, and the endpoint that stays would
 * never wake again.
 */
export async function disownAlarm({ object, spec, providers, signal }: Pass): Promise<void> {
  const { AlarmName } = desiredAutoscaling(nameOf(object), VARIANT, spec.scaling, []).wakeAlarm
  await providers.tagged.disownAlarm(arnOf(spec, 'cloudwatch', `alarm:${AlarmName}`), signal)
}
