import type { Reason } from '../../api/reasons.ts'
import { explainError } from '../../providers/errors.ts'
import { refusedByApproval } from './approval.ts'
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
import { servingTarget, targetOf, targetRefused } from './target.ts'
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
  const pin = pinned(pass, image)
  if ('kind' in pin) return pin
  const { pinned: next, held } = pin

  const model = await guarded(pass, 'ModelReady', () => modelStep(next))
  if (model.kind !== 'proceed') return model

  const buckets = await guarded(pass, 'ConfigReady', () => bucketsStep(next))
  if (buckets.kind !== 'proceed') return buckets

  const topics = await guarded(pass, 'ConfigReady', () => topicsStep(next))
  if (topics.kind !== 'proceed') return topics

  const config = await guarded(pass, 'ConfigReady', () => endpointConfigStep(next))
  if (config.kind !== 'proceed') return config

  const endpoint = await guarded(pass, 'EndpointInService', () => endpointStep(next))
  if (endpoint.kind === 'halt' && endpoint.serving) {
    const { serving } = endpoint
    const scaling = await guarded(pass, 'AutoscalingReady', () => autoscalingStep({ ...next, seen: serving }))
    return scaling.kind === 'error' ? scaling : endpoint
  }
  if (endpoint.kind !== 'proceed') return endpoint
  const serving = endpoint.next

  const scaling = await guarded(pass, 'AutoscalingReady', () => autoscalingStep(serving))
  if (scaling.kind !== 'proceed') return scaling
  if (held) return held()

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

type Unready = Exclude<Ended, { kind: 'ready' }>
type Pinned = { pinned: PinnedPass; held?: () => Unready }

/**
 * What is wanted in AWS. Where that cannot be known, for want of an image or of the revision that is named, or is not approved, what serves already goes
 * on being looked after, and nothing new is rolled out: the pass is held, and says why in the end.
 */
function pinned(pass: Pass, image: Guarded<{ image: string }>): Pinned | Unready {
  const { object, status, cluster } = pass
  const instanceType = chooseInstanceType(pass)
  const hold = (held: () => Unready): Pinned | Unready => {
    const target = servingTarget(pass)
    if (!target || !status.image) return held()
    const desired = desiredState(object, { image: status.image, cluster, instanceType })
    return { pinned: { ...pass, desired, target }, held }
  }
  if (image.kind !== 'proceed') return hold(() => image)
  const refused = refusedByApproval(pass)
  if (refused) return hold(refused)
  const desired = desiredState(object, { image: image.next.image, cluster, instanceType })
  const target = targetOf(pass, desired)
  if (!('kind' in target)) return { pinned: { ...pass, desired, target } }
  // Said again in the end: the step of what serves finds its own configuration in order.
  return hold(() => targetRefused(pass))
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
