import { timestamp } from '../../api/timestamp.ts'
import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import { explainFailureReason, permanent } from '../../providers/failure-reasons.ts'
import { update } from './endpoint-update.ts'
import { endpointInService } from './events.ts'
import { tryNextType } from './fallback.ts'
import { MAX_LAG_MS } from './observe.ts'
import { failing, type Outcome, type PinnedPass, type ServingPass, waiting } from './pass.ts'
import { noteFailure, recover, WAY_OUT } from './recovery.ts'
import { revisionOf } from './revisions.ts'
import { attempt, fail, wasAttempted } from './rollout.ts'
import { goalOf } from './target.ts'

/**
 * An endpoint that serves. Only the wanted configuration counts as success: after an update that failed, SageMaker says InService
 * again, with the configuration from before and often without a reason.
 */
export async function inService(
  pass: PinnedPass,
  seen: ObservedEndpoint,
  changed: boolean,
): Promise<Outcome<ServingPass>> {
  const { status, target } = pass
  const goal = goalOf(pass)
  const current = revisionOf(status, seen.configName)
  if (current) status.currentRevision = current.number
  else delete status.currentRevision
  if (unhealthyForLong(pass, seen)) return await recover(pass, seen, changed, UNHEALTHY)

  const result = wasAttempted(pass) ? status.rollout?.result : undefined
  if (result === 'RollbackFailed' && seen.configName === target.configName) return stuck(pass, seen)
  if (seen.status === 'InService' && seen.configName === goal)
    return goal === target.configName ? taken(pass, seen) : fellBack(pass, seen)
  switch (result) {
    case 'InProgress':
      return await notTaken(pass, seen)
    case 'RollingBack':
      return await goingBack(pass, seen)
    case 'RolledBack':
      // Judged too soon, by answers from before: it was taken after all.
      if (status.rollout?.cause === 'Update' && seen.status === 'InService' && seen.configName === target.configName)
        return taken(pass, seen)
      // What UpdateEndpoint left half done only another update mends, and the same one would fail again.
      return seen.status === 'UpdateRollbackFailed' ? fellBack(pass, seen) : await update(pass, seen, { drift: true })
    case undefined:
      return await update(pass, seen, { drift: false })
    default:
      return await update(pass, seen, { drift: true })
  }
}

/** It serves as wanted. */
function taken(pass: PinnedPass, seen: ObservedEndpoint): Outcome<ServingPass> {
  const { status, spec, desired, target, conditions } = pass
  if (!wasAttempted(pass)) attempt(pass)
  if (status.rollout && status.rollout.result !== 'Succeeded') {
    status.rollout = { ...status.rollout, result: 'Succeeded' }
    const revision = revisionOf(status, target.configName)
    if (revision) status.currentRevision = revision.number
    pass.emit(endpointInService(desired.endpointName))
    pass.log.info({ resource: desired.endpointName, config: target.configName }, 'the endpoint is in service')
  }
  delete status.recovery?.creatingSince
  if (target.from === 'revision')
    conditions.true_(
      'EndpointInService',
      'PinnedToRevision',
      `Serves revision ${spec.revision}, since spec.revision says so. Take it out to follow the rest of the spec.`,
    )
  else conditions.true_('EndpointInService', 'InService', '')
  status.phase = phaseOf(pass, seen)
  return { kind: 'proceed', next: { ...pass, seen } }
}

function phaseOf({ spec }: PinnedPass, { instances }: ObservedEndpoint): string {
  if (!instances || instances.current + instances.desired > 0) return 'InService'
  return spec.scaling.maxInstances === 0 ? 'Suspended' : 'ScaledToZero'
}

/** Whether the answer is from before the update that was asked for. */
function stale({ memory: { updated }, now }: PinnedPass, seen: ObservedEndpoint): boolean {
  return updated !== undefined && seen.modifiedAt.getTime() <= updated.from && now.getTime() - updated.at < MAX_LAG_MS
}

/** The update ended, and the endpoint serves with what it had before. Looked at twice: the first look may be a stale one. */
async function notTaken(pass: PinnedPass, seen: ObservedEndpoint): Promise<Outcome<ServingPass>> {
  const { target, intervals, memory } = pass
  if (stale(pass, seen) || memory.doubted !== target.configName) {
    memory.doubted = target.configName
    const message = 'SageMaker says that the endpoint serves with its earlier configuration; looking once more.'
    return waiting(pass, 'EndpointInService', 'Updating', message, intervals.inFlight)
  }
  const explanation = explainFailureReason(seen.failureReason)
  const other = explanation.reason === 'InsufficientCapacity' && tryNextType(pass)
  if (other) return other
  await noteFailure(pass, seen, { ...explanation, permanent: true })
  fail(pass, { result: 'RolledBack', cause: 'Update', previousConfigName: seen.configName }, explanation.message)
  return fellBack(pass, seen)
}

/** The target failed, and it was decided to go back: asks for that once. */
async function goingBack(pass: PinnedPass, seen: ObservedEndpoint): Promise<Outcome<ServingPass>> {
  const { status, memory, intervals } = pass
  const goal = goalOf(pass)
  if (memory.restoring !== goal) return await update(pass, seen, { drift: false })
  if (stale(pass, seen) || memory.doubted !== goal) {
    memory.doubted = goal
    const message = 'The endpoint is on its way back to the last good revision.'
    return waiting(pass, 'EndpointInService', 'RollingBack', message, intervals.inFlight)
  }
  if (status.rollout) status.rollout = { ...status.rollout, result: 'RollbackFailed' }
  return stuck(pass, seen)
}

/** It serves with what failed, since SageMaker did not take it back. */
function stuck(pass: PinnedPass, seen: ObservedEndpoint): Outcome<ServingPass> {
  pass.status.phase = 'RollbackFailed'
  const why = explainFailureReason(seen.failureReason).message
  const message = `The new revision failed, and the endpoint could not be taken back to the last good one. ${WAY_OUT} ${why}`
  return { ...failing(pass, 'EndpointInService', 'RollbackFailed', message, pass.intervals.settled), serving: seen }
}

/** It serves with the last good revision, since the target failed. */
function fellBack(pass: PinnedPass, seen: ObservedEndpoint): Outcome<ServingPass> {
  const { status, intervals, conditions } = pass
  const { rollout } = status
  if (rollout) status.rollout = { ...rollout, result: 'RolledBack' }
  delete status.recovery?.creatingSince
  status.phase = 'RolledBack'
  const cause = rollout?.cause ?? 'Update'
  const reason = seen.status === 'UpdateRollbackFailed' ? 'UpdateRollbackFailed' : REASON[cause]
  const why = cause === 'Update' ? explainFailureReason(seen.failureReason).message : 'status says what happened.'
  // A change of capacity takes FailureReason away; what was said by it stays said.
  const said = conditions.get('EndpointInService')
  const known = !seen.failureReason && said?.reason === reason && said.observedGeneration === pass.generation
  const message = known ? said.message : `${WHAT[reason]} ${WAY_OUT} ${why}`
  return { ...failing(pass, 'EndpointInService', reason, message, intervals.settled), serving: seen }
}

const REASON = {
  Update: 'UpdateRolledBack',
  SmokeTest: 'SmokeTestRolledBack',
  Recreate: 'RecreateRolledBack',
} as const

const WHAT = {
  UpdateRolledBack: 'The update was not taken; the configuration from before serves.',
  UpdateRollbackFailed:
    'The update was not taken, and going back failed too: old and new instances serve side by side.',
  SmokeTestRolledBack: 'The new revision did not pass its smoke test; the last good one serves.',
  RecreateRolledBack: 'The endpoint could not be created with the new revision; the last good one serves.',
} as const

const UNHEALTHY = {
  ...permanent('Unhealthy', "The endpoint has had no running instance for too long. Look at the container's log."),
  permanent: false,
}

/** Whether the endpoint should have instances and has had none for longer than the user wants to wait. */
function unhealthyForLong({ status, spec, now }: PinnedPass, { status: state, instances }: ObservedEndpoint): boolean {
  const limit = spec.recovery.unhealthyAfterSeconds * 1000
  const sick = state === 'InService' && instances !== undefined && instances.desired > 0 && instances.current === 0
  if (!sick || limit === 0) {
    delete status.recovery?.unhealthySince
    return false
  }
  const since = status.recovery?.unhealthySince ?? timestamp(now)
  status.recovery = { attempts: 0, ...status.recovery, unhealthySince: since }
  return now.getTime() - Date.parse(since) >= limit
}
