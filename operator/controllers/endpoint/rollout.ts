import { updateRolledBack } from './events.ts'
import { type Halt, type PinnedPass, type ServingPass, waiting } from './pass.ts'
import { lastGood, noteAttempt, noteOutcome, revisionOf } from './revisions.ts'
import { retryOf } from './target.ts'

type Rollout = NonNullable<PinnedPass['status']['rollout']>

/** Notes that the endpoint is asked to take the target, and what it would go back to. */
export function attempt(pass: PinnedPass, serving?: string): void {
  const { status, target } = pass
  const previous = lastGood(status, target.configName)?.endpointConfigName ?? serving
  // What failed and is tried once more is tested once more: the old verdict would send it back at once.
  const again = revisionOf(status, target.configName)?.outcome === 'Failed'
  if (again && status.smokeTest?.endpointConfigName === target.configName) delete status.smokeTest
  noteAttempt(pass, target)
  status.rollout = {
    endpointConfigName: target.configName,
    ...(previous && previous !== target.configName ? { previousConfigName: previous } : {}),
    ...retryOf(pass),
    result: 'InProgress',
  }
}

/** Whether the target is what was last tried, and nobody has asked to try it once more. */
export function wasAttempted(pass: PinnedPass): boolean {
  const { rollout } = pass.status
  return rollout?.endpointConfigName === pass.target.configName && rollout.retry === retryOf(pass).retry
}

/** Writes down that the target failed and that the endpoint is, or is to be brought, back to what it had. */
export function fail(
  pass: PinnedPass,
  change: Pick<Rollout, 'result' | 'cause'> & Partial<Rollout>,
  why: string,
): void {
  const { status, target } = pass
  if (!status.rollout) return
  status.rollout = { ...status.rollout, ...change }
  noteOutcome(status, target.configName, 'Failed')
  pass.emit(updateRolledBack(target.configName, change.cause, why))
  pass.log.warn({ resource: pass.desired.endpointName, config: target.configName, ...change }, 'a revision failed')
}

/**
 * After a smoke test that failed: decides to go back to the last good revision, where this one is new and the user wants that. Only
 * decides: when that is written down, a later pass asks SageMaker for it, so that a crash in between changes nothing.
 */
export function goBackAfter<T extends Halt | { kind: 'error' }>(pass: ServingPass, smokeTest: T): T | Halt {
  const { status, spec, target } = pass
  if (smokeTest.kind !== 'halt' || smokeTest.reason !== 'SmokeTestFailed') return smokeTest
  const good = lastGood(status, target.configName)
  const unproven = revisionOf(status, target.configName)?.outcome === 'InProgress'
  if (!unproven || !good || spec.rollout.onFailure === 'Hold') return smokeTest
  fail(
    pass,
    { result: 'RollingBack', cause: 'SmokeTest', previousConfigName: good.endpointConfigName },
    smokeTest.message,
  )
  const message = 'The new revision did not pass its smoke test. The endpoint goes back to the last good one.'
  return waiting(pass, 'EndpointInService', 'RollingBack', message, 0)
}
