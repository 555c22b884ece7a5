import type { AsyncInferenceEndpointStatus } from '../../api/async-inference-endpoint.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { PinnedPass, Target } from './pass.ts'

type Status = AsyncInferenceEndpointStatus
type Revision = NonNullable<Status['revisions']>[number]

/** The revision of a configuration, where it is remembered. */
export function revisionOf({ revisions = [] }: Status, configName: string | undefined): Revision | undefined {
  return revisions.find(({ endpointConfigName }) => endpointConfigName === configName)
}

/** The newest revision that came into service and passed its smoke test, other than `except`. */
export function lastGood({ revisions = [] }: Status, except: string): Revision | undefined {
  return revisions.find(({ endpointConfigName, outcome }) => outcome === 'Succeeded' && endpointConfigName !== except)
}

/**
 * Remembers that the endpoint is asked to take a revision; one that was there before keeps its number and comes first again. The
 * oldest are forgotten beyond the limit, never those that may still be gone back to.
 */
export function noteAttempt(pass: Pick<PinnedPass, 'status' | 'spec' | 'generation' | 'now'>, target: Target): void {
  const { status, spec, generation, now } = pass
  const earlier = status.revisions ?? []
  const known = revisionOf(status, target.configName)
  const number = 1 + Math.max(0, status.attemptedRevision ?? 0, ...earlier.map((revision) => revision.number))
  const attempted: Revision = known ?? {
    number,
    endpointConfigName: target.configName,
    modelName: target.modelName,
    ...(target.image ? { image: target.image } : {}),
    generation,
    firstAttemptTime: timestamp(now),
    outcome: 'InProgress',
  }
  // A revision that failed is judged anew when it is asked for again.
  if (attempted.outcome === 'Failed') attempted.outcome = 'InProgress'
  const rest = earlier.filter((revision) => revision !== known)
  const good = rest.find(({ outcome }) => outcome === 'Succeeded')
  const kept = rest.filter((revision, index) => index < spec.rollout.revisionHistoryLimit || revision === good)
  status.revisions = [attempted, ...kept]
  status.attemptedRevision = attempted.number
}

/** Writes down what became of a revision. */
export function noteOutcome(status: Status, configName: string, outcome: Revision['outcome']): void {
  const revision = revisionOf(status, configName)
  if (revision) revision.outcome = outcome
}
