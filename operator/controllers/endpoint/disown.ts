import { arnOf } from './arns.ts'
import { baseNameOf } from './desired.ts'
import { wakeAlarmName } from './desired-autoscaling.ts'
import type { Pass } from './pass.ts'

/**
 * Takes the tags off the alarm that wakes the endpoint: an orphan by its tags would be collected, and the endpoint that stays would
 * never wake again.
 */
export async function disownAlarm({ object, spec, providers, signal }: Pass): Promise<void> {
  const alarm = wakeAlarmName(baseNameOf(object))
  await providers.tagged.disownAlarm(arnOf(spec, 'cloudwatch', `alarm:${alarm}`), signal)
}
