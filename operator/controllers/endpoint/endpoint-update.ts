import type { Reason } from '../../api/reasons.ts'
import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import { instancesOf } from '../../providers/endpoint-config.ts'
import { explainError, isTransient } from '../../providers/errors.ts'
import { deploymentOf } from './deployment.ts'
import { VARIANT } from './desired.ts'
import { scalableVariant } from './desired-autoscaling.ts'
import { driftCorrected, endpointRecreated, endpointUpdating } from './events.ts'
import { failing, type Outcome, type PinnedPass, type ServingPass, waiting } from './pass.ts'
import { attempt, wasAttempted } from './rollout.ts'
import { goalOf, retryOf } from './target.ts'

const UPDATING = 'SageMaker is moving the endpoint to a new configuration. The one before serves until that is done.'

/** An endpoint that SageMaker, autoscaling or AWS's maintenance is changing. */
export function changing(pass: PinnedPass, seen: ObservedEndpoint): Outcome<ServingPass> {
  const { status, target, intervals, conditions } = pass
  const pending = seen.pendingConfigName ?? seen.configName
  const { configName } = target
  const settled = status.rollout?.endpointConfigName === configName && status.rollout.result === 'Succeeded'
  if (settled && pending === configName && seen.configName === configName) {
    // A change of capacity: the wanted configuration goes on serving. At the end of an update it looks the same, but is not settled.
    conditions.true_('EndpointInService', 'InService', '')
    status.phase = 'Scaling'
    return { kind: 'proceed', next: { ...pass, seen }, after: intervals.inFlight }
  }
  // A change of capacity after an update that was not taken: what is said of that stays said.
  const said = conditions.get('EndpointInService')
  const rolledBack = wasAttempted(pass) && status.rollout?.result === 'RolledBack'
  if (rolledBack && pending === seen.configName && said?.status === 'False') {
    const { reason, message } = said
    return { ...failing(pass, 'EndpointInService', reason as Reason, message, intervals.inFlight), serving: seen }
  }
  // Asked for by a pass that did not live to note it.
  if (pending === configName && pending !== seen.configName && !wasAttempted(pass)) attempt(pass, seen.configName)
  status.phase = 'Updating'
  return waiting(pass, 'EndpointInService', 'Updating', UPDATING, intervals.inFlight)
}

/**
 * Asks SageMaker to move the endpoint to its goal.
 * @param options.drift whether somebody else moved it away, which is worth telling
 */
export async function update(
  pass: PinnedPass,
  seen: ObservedEndpoint,
  { drift }: { drift: boolean },
): Promise<Outcome<ServingPass>> {
  const { status, spec, desired, target, intervals, memory, providers, signal, log } = pass
  const goal = goalOf(pass)
  const name = desired.endpointName
  status.phase = 'Updating'
  if (spec.rollout.strategy === 'Recreate') return await recreate(pass, goal)

  const current = await providers.configs.observe(seen.configName, signal)
  const fromSpec = goal === desired.config.EndpointConfigName
  const next = fromSpec
    ? { instances: instancesOf(desired.config.ProductionVariants?.[0]) }
    : await providers.configs.observe(goal, signal)
  // SageMaker refuses to change what a variant runs on, or its name, while it is a scalable target. The autoscaling step registers it
  // again, whatever becomes of the update.
  if (!current || current.instances !== next?.instances || current.variantName !== VARIANT) {
    await providers.autoscaling.deregister(scalableVariant(name, seen.variantName ?? VARIANT), signal)
    memory.verified.delete('autoscaling')
    pass.conditions.unknown('AutoscalingReady', 'Updating', 'Scaling is suspended while the instance type changes.')
  }
  const result = await providers.endpoints
    .update({ name, configName: goal, deployment: deploymentOf(spec.rollout) }, signal)
    .catch((error: unknown) => {
      if (isTransient(error)) throw error
      return explainError(error)
    })
  // Refused for good, as by a quota: the endpoint goes on serving as it was, and needs its scaling back.
  if (typeof result === 'object')
    return {
      ...failing(pass, 'EndpointInService', result.reason, result.message, intervals.settled),
      serving: seen,
    }
  if (result === 'in-progress') {
    const message = 'The endpoint is being changed; the update follows when that is done.'
    return waiting(pass, 'EndpointInService', 'InProgress', message, intervals.inFlight)
  }
  if (result === 'no-config') {
    if (!current) return await configInUseMissing(pass, seen, goal)
    memory.suspect.add(goal)
    if (!next) {
      const message = `The configuration ${goal} to go back to was deleted. Change the spec or the image.`
      return { ...failing(pass, 'EndpointInService', 'RollbackFailed', message, intervals.settled), serving: seen }
    }
    const message = 'SageMaker does not see the new endpoint configuration yet. Mooring tries again by itself.'
    return waiting(pass, 'EndpointInService', 'ConfigNotVisible', message, intervals.inFlight)
  }
  status.endpointStatus = 'Updating'
  delete memory.doubted
  memory.updated = { from: seen.modifiedAt.getTime(), at: pass.now.getTime() }
  if (goal === target.configName) {
    attempt(pass, seen.configName)
    // Should this one fail too, going back is to be asked for again.
    delete memory.restoring
  } else memory.restoring = goal
  pass.emit(drift ? driftCorrected(name, seen.configName, goal) : endpointUpdating(name, goal))
  log.info({ resource: name, config: goal, drift }, 'updating the endpoint')
  return waiting(pass, 'EndpointInService', 'Updating', UPDATING, intervals.inFlight)
}

/** SageMaker updates no endpoint whose configuration is gone; only a new one helps, and interrupts. The user says when. */
async function configInUseMissing(
  pass: PinnedPass,
  seen: ObservedEndpoint,
  goal: string,
): Promise<Outcome<ServingPass>> {
  const { status, intervals } = pass
  if (status.rollout && status.rollout.retry !== retryOf(pass).retry) return await recreate(pass, goal)
  const message = `SageMaker updates no endpoint whose configuration in use was deleted (${seen.configName}). Set the annotation mooring.dev/retry to have the endpoint deleted and created again, which interrupts it.`
  return { ...failing(pass, 'EndpointInService', 'ConfigInUseMissing', message, intervals.settled), serving: seen }
}

/** Deletes the endpoint, to be created with its goal by a later pass. */
async function recreate(pass: PinnedPass, goal: string): Promise<Outcome<ServingPass>> {
  const { status, desired, target, intervals, providers, signal, log } = pass
  const name = desired.endpointName
  if ((await providers.endpoints.delete(name, signal)) === 'in-progress') {
    const message = 'The endpoint is being changed; it is replaced when that is done.'
    return waiting(pass, 'EndpointInService', 'InProgress', message, intervals.inFlight)
  }
  status.endpointStatus = 'Deleting'
  if (goal === target.configName) attempt(pass)
  pass.emit(endpointRecreated(name))
  log.info({ resource: name, config: goal }, 'deleting the endpoint to create it again')
  const message = 'The endpoint is being deleted, to be created with the new revision.'
  return waiting(pass, 'EndpointInService', 'Recovering', message, intervals.deleting)
}
