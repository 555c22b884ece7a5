import type { Reason } from '../../api/reasons.ts'
import { explainError } from '../../providers/errors.ts'
import { autoscalingStep } from './autoscaling.ts'
import { bucketsStep } from './buckets.ts'
import { collectOldRevisions } from './collect.ts'
import { desiredState } from './desired.ts'
import { endpointStep } from './endpoint.ts'
import { endpointConfigStep } from './endpoint-config.ts'
import { chooseInstanceType } from './fallback.ts'
import { imageStep } from './image.ts'
import { modelStep } from './model.ts'
import type { ConditionType, Halt, Outcome, Pass, PinnedPass } from './pass.ts'
import { forgiveAttempts } from './recovery.ts'
import { noteOutcome } from './revisions.ts'
import { goBackAfter } from './rollout.ts'
import { smokeTestStep } from './smoke-test.ts'
import { tagsStep } from './tags.ts'
import { servingTarget, targetOf } from './target.ts'
import { topicsStep } from './topics.ts'

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
  const pinned = pin(pass, image)
  if ('kind' in pinned) return pinned
  // What serves already goes on being looked after; nothing new is rolled out until its image is known.
  const held = image.kind === 'proceed' ? undefined : image

  const model = await guarded(pass, 'ModelReady', () => modelStep(pinned))
  if (model.kind !== 'proceed') return model

  const buckets = await guarded(pass, 'ConfigReady', () => bucketsStep(pinned))
  if (buckets.kind !== 'proceed') return buckets

  const topics = await guarded(pass, 'ConfigReady', () => topicsStep(pinned))
  if (topics.kind !== 'proceed') return topics

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
  if (held) return held

  const tags = await guarded(pass, 'EndpointInService', () => tagsStep(serving))
  if (tags.kind !== 'proceed') return tags

  const smokeTest = await guarded(pass, 'SmokeTestPassed', () => smokeTestStep(serving))
  if (smokeTest.kind !== 'proceed') return goBackAfter(serving, smokeTest)

  noteOutcome(pass.status, serving.target.configName, 'Succeeded')
  forgiveAttempts(serving)
  const collected = await guarded<undefined>(pass, 'ConfigReady', async () => {
    await collectOldRevisions(serving)
    return { kind: 'proceed' as const }
  })
  if (collected.kind !== 'proceed') return collected
  const { settled } = pass.intervals
  return { kind: 'ready', after: Math.min(endpoint.after ?? settled, smokeTest.after ?? settled) }
}

/** What is wanted in AWS, by the image that was found or by what serves already. */
function pin(pass: Pass, image: Guarded<{ image: string }>): PinnedPass | Exclude<Ended, { kind: 'ready' }> {
  const { object, status, cluster } = pass
  const instanceType = chooseInstanceType(pass)
  if (image.kind !== 'proceed') {
    const target = servingTarget(pass)
    if (!target || !status.image) return image
    return { ...pass, desired: desiredState(object, { image: status.image, cluster, instanceType }), target }
  }
  const desired = desiredState(object, { image: image.next.image, cluster, instanceType })
  const target = targetOf(pass, desired)
  return 'kind' in target ? target : { ...pass, desired, target }
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
