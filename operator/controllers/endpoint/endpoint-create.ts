import { timestamp } from '../../api/timestamp.ts'
import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import { whileInFlight } from '../intervals.ts'
import { endpointCreating, nameTaken } from './events.ts'
import { failing, type Halt, type PinnedPass, waiting } from './pass.ts'
import { attempt } from './rollout.ts'
import { tagsRevision } from './tags.ts'
import { goalOf } from './target.ts'

/** SageMaker reads configurations from an eventually consistent table; a new one is visible within seconds. */
const VISIBILITY_MS = 2_000

/** Asks for the endpoint, unless recovery is pausing. 'found' when it is there already: a pass before did not live to note it. */
export async function createEndpoint(pass: PinnedPass): Promise<Halt | { kind: 'found'; seen: ObservedEndpoint }> {
  const { status, spec, desired, now, intervals, memory, providers, owner, signal } = pass
  const due = status.recovery?.nextAttemptTime
  if (due && Date.parse(due) > now.getTime()) {
    status.phase = 'Recovering'
    const message = `Attempt ${status.recovery?.attempts} of ${spec.recovery.maxAttempts} to create the endpoint again follows after a pause. status.lastFailure says what happened.`
    return waiting(pass, 'EndpointInService', 'Recovering', message, Date.parse(due) - now.getTime())
  }
  for (const type of ['AutoscalingReady', 'SmokeTestPassed'] as const)
    pass.conditions.unknown(type, 'EndpointNotInService', 'This follows when the endpoint is in service.')

  const { endpointName } = desired
  const configName = goalOf(pass)
  const result = await providers.endpoints.create(
    { EndpointName: endpointName, EndpointConfigName: configName, Tags: desired.tags },
    signal,
  )
  if (result === 'taken') {
    const seen = await providers.endpoints.observe(endpointName, signal)
    // Gone between the two calls.
    if (!seen) return waiting(pass, 'EndpointInService', 'Creating', CREATING, VISIBILITY_MS)
    if (await providers.ownership.isOurs(seen.arn, owner, signal)) return { kind: 'found', seen }
    return endpointTaken(pass)
  }
  if (result === 'no-config') {
    memory.suspect.add(configName)
    if (configName !== pass.target.configName && !(await providers.configs.observe(configName, signal))) {
      // Nothing serves and nothing else is left: the newest revision gets another chance.
      delete status.rollout?.previousConfigName
      const message = `The configuration ${configName} to go back to was deleted. The newest revision is tried again instead.`
      return waiting(pass, 'EndpointInService', 'Recovering', message, 0)
    }
    const message = 'SageMaker does not see the new endpoint configuration yet. Mooring tries again by itself.'
    return waiting(pass, 'EndpointInService', 'ConfigNotVisible', message, Math.min(VISIBILITY_MS, intervals.inFlight))
  }
  memory.madeEndpoint = true
  status.endpointArn = result.arn
  status.endpointStatus = 'Creating'
  status.phase = 'Creating'
  status.tags = tagsRevision(pass)
  // On the way back to the last good revision, the one that failed stays the last that was tried.
  if (configName === pass.target.configName) attempt(pass)
  const { nextAttemptTime: _, ...recovery } = status.recovery ?? { attempts: 0 }
  status.recovery = { ...recovery, creatingSince: timestamp(now) }
  pass.emit(endpointCreating(endpointName))
  pass.log.info({ resource: endpointName, config: configName }, 'creating the endpoint')
  return waiting(pass, 'EndpointInService', 'Creating', CREATING, whileInFlight(intervals, 0))
}

const CREATING = 'SageMaker is creating the endpoint.'

/** Halts because the name is somebody else's. */
export function endpointTaken(pass: PinnedPass): Halt {
  const { desired, status, intervals } = pass
  const message = `The endpoint ${desired.endpointName} belongs to somebody else, by its tags: delete it, or give this object another name.`
  status.phase = 'Failed'
  pass.emit(nameTaken(message))
  return failing(pass, 'EndpointInService', 'NameTaken', message, intervals.settled)
}
