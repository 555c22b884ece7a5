import { ANNOTATIONS } from '../../api/names.ts'
import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import { explainError, isTransient } from '../../providers/errors.ts'
import { explainFailureReason } from '../../providers/failure-reasons.ts'
import { retry } from './endpoint-create.ts'
import { endpointInService, endpointUpdating, updateRolledBack } from './events.ts'
import { failing, type Outcome, type PinnedPass, type ServingPass, waiting } from './pass.ts'
import { noteFailure } from './recovery.ts'

const UPDATING = 'SageMaker is moving the endpoint to a new configuration. The one before serves until that is done.'

/** An endpoint that SageMaker, autoscaling or AWS's maintenance is changing. */
export function changing(pass: PinnedPass, seen: ObservedEndpoint): Outcome<ServingPass> {
  const { status, desired, intervals, conditions } = pass
  const pending = seen.pendingConfigName ?? seen.configName
  if (pending === seen.configName && seen.configName === desired.endpoint.EndpointConfigName) {
    // A change of capacity: the wanted configuration goes on serving.
    conditions.true_('EndpointInService', 'InService', '')
    status.phase = 'Scaling'
    return { kind: 'proceed', next: { ...pass, seen }, after: intervals.inFlight }
  }
  if (pending !== seen.configName && status.rollout?.endpointConfigName !== pending)
    status.rollout = rollout(pass, pending, seen.configName)
  status.phase = 'Updating'
  return waiting(pass, 'EndpointInService', 'Updating', UPDATING, intervals.inFlight)
}

/**
 * An endpoint that serves. Only the wanted configuration counts as success: after an update that failed, SageMaker says InService
 * again, with the configuration from before and often without a reason.
 */
export async function inService(pass: PinnedPass, seen: ObservedEndpoint): Promise<Outcome<ServingPass>> {
  const { status, desired, conditions } = pass
  const wanted = desired.endpoint.EndpointConfigName
  if (seen.status !== 'InService' || seen.configName !== wanted) {
    const { rollout: last } = status
    const attempted =
      last?.endpointConfigName === wanted && last.result !== 'Succeeded' && last.retry === retry(pass).retry
    return attempted ? await rolledBack(pass, seen) : await update(pass, seen)
  }
  if (status.rollout?.endpointConfigName !== wanted || status.rollout.result !== 'Succeeded') {
    const previous = status.rollout?.endpointConfigName === wanted ? status.rollout.previousConfigName : undefined
    status.rollout = { ...rollout(pass, wanted, previous), result: 'Succeeded' }
    pass.emit(endpointInService(desired.endpointName))
    pass.log.info({ resource: desired.endpointName }, 'the endpoint is in service')
  }
  delete status.recovery?.creatingSince
  conditions.true_('EndpointInService', 'InService', '')
  status.phase = seen.instances && seen.instances.current + seen.instances.desired === 0 ? 'ScaledToZero' : 'InService'
  return { kind: 'proceed', next: { ...pass, seen } }
}

async function update(pass: PinnedPass, seen: ObservedEndpoint): Promise<Outcome<ServingPass>> {
  const { status, desired, intervals, memory, providers, signal } = pass
  const { EndpointName: name, EndpointConfigName: wanted } = desired.endpoint
  status.phase = 'Updating'
  // SageMaker refuses to change the instance type of a variant that is a scalable target. The autoscaling step registers it again,
  // whatever becomes of the update.
  const current = await providers.configs.observe(seen.configName, signal)
  if (current?.instanceType !== desired.config.ProductionVariants?.[0]?.InstanceType) {
    await providers.autoscaling.deregister(desired.autoscaling, signal)
    memory.verified.delete('autoscaling')
    pass.conditions.unknown('AutoscalingReady', 'Updating', 'Scaling is suspended while the instance type changes.')
  }
  const result = await providers.endpoints.update(name, wanted, signal).catch((error: unknown) => {
    if (isTransient(error)) throw error
    return explainError(error)
  })
  // Refused for good, as by a quota: the endpoint goes on serving as it was, and needs its scaling back.
  if (typeof result === 'object')
    return {
      ...failing(pass, 'EndpointInService', result.reason, result.message, intervals.settled),
      serving: seen,
    }
  if (result === 'in-progress')
    return waiting(
      pass,
      'EndpointInService',
      'InProgress',
      'The endpoint is being changed; the update follows when that is done.',
      intervals.inFlight,
    )
  if (result === 'no-config') {
    if (!current) {
      const message = `SageMaker updates no endpoint whose configuration in use is gone (${seen.configName}). Delete the endpoint ${name} in SageMaker; Mooring then creates it again.`
      return { ...failing(pass, 'EndpointInService', 'ConfigInUseMissing', message, intervals.settled), serving: seen }
    }
    memory.suspect.add(wanted)
    const message = 'SageMaker does not see the new endpoint configuration yet. Mooring tries again by itself.'
    return waiting(pass, 'EndpointInService', 'ConfigNotVisible', message, intervals.inFlight)
  }
  status.endpointStatus = 'Updating'
  delete memory.doubted
  status.rollout = rollout(pass, wanted, seen.configName)
  pass.emit(endpointUpdating(name, wanted))
  pass.log.info({ resource: name, config: wanted }, 'updating the endpoint')
  return waiting(pass, 'EndpointInService', 'Updating', UPDATING, intervals.inFlight)
}

async function rolledBack(pass: PinnedPass, seen: ObservedEndpoint): Promise<Outcome<ServingPass>> {
  const { status, desired, intervals, memory } = pass
  const explanation = explainFailureReason(seen.failureReason)
  if (status.rollout?.result === 'InProgress' && memory.doubted !== desired.endpoint.EndpointConfigName) {
    memory.doubted = desired.endpoint.EndpointConfigName
    return waiting(pass, 'EndpointInService', 'Updating', UPDATING, intervals.inFlight)
  }
  const mixed = seen.status === 'UpdateRollbackFailed'
  const message = `The update was not taken${mixed ? ', and going back failed too: old and new instances serve side by side' : '; the configuration from before serves'}. Change the spec or the image, or set the annotation ${ANNOTATIONS.retry}. ${explanation.message}`
  if (status.rollout && status.rollout.result !== 'RolledBack') {
    status.rollout = { ...status.rollout, result: 'RolledBack' }
    await noteFailure(pass, seen, { ...explanation, permanent: true })
    pass.emit(updateRolledBack(desired.endpoint.EndpointConfigName, explanation.message))
    pass.log.warn({ resource: desired.endpointName, failureReason: seen.failureReason }, 'the update was rolled back')
  }
  status.phase = 'RolledBack'
  const reason = mixed ? 'UpdateRollbackFailed' : 'UpdateRolledBack'
  return { ...failing(pass, 'EndpointInService', reason, message, intervals.settled), serving: seen }
}

function rollout(pass: PinnedPass, to: string, from: string | undefined) {
  return {
    endpointConfigName: to,
    ...(from && from !== to ? { previousConfigName: from } : {}),
    ...retry(pass),
    result: 'InProgress' as const,
  }
}
