import type { Reason } from '../../api/reasons.ts'
import { explainError } from '../../providers/errors.ts'
import { autoscalingStep } from './autoscaling.ts'
import { collectOldRevisions } from './collect.ts'
import { endpointStep } from './endpoint.ts'
import { endpointConfigStep } from './endpoint-config.ts'
import { imageStep } from './image.ts'
import { modelStep } from './model.ts'
import type { ConditionType, Halt, Outcome, Pass } from './pass.ts'
import { smokeTestStep } from './smoke-test.ts'

/** How a pass ended. */
export type Ended =
  | { kind: 'ready'; after: number }
  | Halt
  | { kind: 'paused' }
  | { kind: 'removed' }
  | { kind: 'error'; error: unknown; reason: Reason; message: string; failing: boolean }

/** The steps in their order; the first that is not done stops the chain. */
export async function chain(pass: Pass): Promise<Ended> {
  const image = await guarded(pass, 'ImageReady', () => imageStep(pass))
  if (image.kind !== 'proceed') return image
  const pinned = image.next

  const model = await guarded(pass, 'ModelReady', () => modelStep(pinned))
  if (model.kind !== 'proceed') return model

  const config = await guarded(pass, 'ConfigReady', () => endpointConfigStep(pinned))
  if (config.kind !== 'proceed') return config

  const endpoint = await guarded(pass, 'EndpointInService', () => endpointStep(pinned))
  if (endpoint.kind === 'halt' && endpoint.serving) {
    const { serving } = endpoint
    const scaling = await guarded(pass, 'AutoscalingReady', () => autoscalingStep({ ...pinned, seen: serving }))
    return scaling.kind === 'error' ? scaling : endpoint
  }
  if (endpoint.kind !== 'proceed') return endpoint
  const serving = endpoint.next

  const scaling = await guarded(pass, 'AutoscalingReady', () => autoscalingStep(serving))
  if (scaling.kind !== 'proceed') return scaling

  const smokeTest = await guarded(pass, 'SmokeTestPassed', () => smokeTestStep(serving))
  if (smokeTest.kind !== 'proceed') return smokeTest

  if (pass.status.recovery && pass.status.recovery.attempts > 0) pass.status.recovery.attempts = 0
  const collected = await guarded<undefined>(pass, 'ConfigReady', async () => {
    await collectOldRevisions(serving)
    return { kind: 'proceed' as const }
  })
  if (collected.kind !== 'proceed') return collected
  const { settled } = pass.intervals
  return { kind: 'ready', after: Math.min(endpoint.after ?? settled, smokeTest.after ?? settled) }
}

type Guarded<Next> = Outcome<Next> | Extract<Ended, { kind: 'error' }> | Halt

async function guarded<Next>(
  pass: Pass,
  type: ConditionType,
  step: () => Promise<Outcome<Next>>,
): Promise<Guarded<Next>> {
  try {
    return await step()
  } catch (error) {
    return stepFailed(pass, type, error)
  }
}

/**
 * Says in the step's condition what went wrong. What may pass by itself is thrown after the status is written, for the workqueue's
 * backoff, and leaves a condition that is True as it is: an endpoint is no worse for a throttled look at it. What only somebody
 * else can mend is looked at again slowly.
 */
export function stepFailed(pass: Pass, type: ConditionType, error: unknown): Extract<Ended, { kind: 'error' }> | Halt {
  const { conditions, intervals, signal, log } = pass
  // The operator is stopping: that is nobody's failure.
  if (signal.aborted) throw error
  const { reason, message, permanent } = explainError(error)
  const news = !conditions.isTrue(type)
    ? conditions.false_(type, reason, message)
    : permanent && conditions.unknown(type, reason, message)
  if (!permanent) return { kind: 'error', error, reason, message, failing: false }
  if (news) log.warn({ err: error, condition: type }, 'a step failed for good')
  return { kind: 'halt', after: intervals.settled, failing: true, reason, message }
}
