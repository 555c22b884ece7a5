import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import { deleteRevisions, ownRevisions } from './collect.ts'
import { baseNameOf, nameOf, VARIANT } from './desired.ts'
import { scalableVariant, wakeAlarmName } from './desired-autoscaling.ts'
import { disownAlarm } from './disown.ts'
import { LONG_CREATION_MS } from './endpoint.ts'
import { cleanedUp, retained } from './events.ts'
import { revisionPrefix } from './names.ts'
import { type Halt, type Pass, waiting } from './pass.ts'
import { deleteTopics, disownTopics } from './topics.ts'

/** SageMaker refuses to delete in these; asking all the same would only use up calls. */
const IN_PROGRESS = new Set<string>(['Creating', 'Updating', 'SystemUpdating', 'RollingBack'])

/**
 * Takes away what was made, in reverse order: scaling, endpoint, and when that is gone configurations and models, which it needs
 * until then. Answers 'finished' when nothing is left; until then the finalizer holds the object.
 */
export async function finalize(pass: Pass): Promise<Halt | 'finished'> {
  const { object, spec, status, providers, signal, memory } = pass
  const name = nameOf(object)
  status.phase = 'Deleting'
  const seen = await ownEndpoint(pass, name)
  if (spec.deletionPolicy === 'Retain') {
    await disown(pass, seen)
    pass.emit(retained())
    return 'finished'
  }
  if (!memory.scalingRemoved) {
    await providers.autoscaling.deleteAlarm(wakeAlarmName(baseNameOf(object)), signal)
    // Somebody else's endpoint of that name keeps its scaling.
    const adoptedNothing = spec.adopt !== undefined && !status.adopted
    if (seen !== 'foreign' && !adoptedNothing)
      await providers.autoscaling.deregister(scalableVariant(name, VARIANT), signal)
    memory.scalingRemoved = true
    pass.log.info({ resource: name }, 'removed scaling')
  }
  if (seen && seen !== 'foreign') return await removeEndpoint(pass, name, seen)
  if (!seen && (await providers.endpoints.isListed(name, signal))) {
    const message =
      'SageMaker lists the endpoint but does not describe it. It is looked for again, so that it is not left behind.'
    return waiting(pass, 'EndpointInService', 'Deleting', message, pass.intervals.deleting)
  }
  delete status.endpointStatus
  await deleteRevisions(pass)
  await deleteTopics(pass)
  pass.emit(cleanedUp())
  return 'finished'
}

async function removeEndpoint(pass: Pass, name: string, seen: ObservedEndpoint): Promise<Halt> {
  const { status, providers, signal, intervals, log, now } = pass
  status.endpointStatus = seen.status
  if (seen.status !== 'Deleting') {
    const busy = IN_PROGRESS.has(seen.status)
    if (busy || (await providers.endpoints.delete(name, signal)) === 'in-progress') {
      const long = seen.status === 'Creating' && now.getTime() - seen.createdAt.getTime() > LONG_CREATION_MS
      const remedy = long
        ? ' It has been created for more than an hour: look at its log, and if that is empty, ask AWS Support to end the creation.'
        : ''
      const message = `SageMaker deletes no endpoint in status ${seen.status}. It is deleted as soon as that has ended; its instances may be billed until then.${remedy}`
      return waiting(pass, 'EndpointInService', 'WaitingToDelete', message, intervals.deleting)
    }
    log.info({ resource: name }, 'deleting the endpoint')
    status.endpointStatus = 'Deleting'
  }
  const message = 'SageMaker is deleting the endpoint. Its configurations and models follow when it is gone.'
  return waiting(pass, 'EndpointInService', 'Deleting', message, intervals.deleting)
}

/** The endpoint, and whether it is ours, by its tags: one of that name may be another one than was made. */
async function ownEndpoint(pass: Pass, name: string): Promise<ObservedEndpoint | 'foreign' | undefined> {
  const { providers, owner, memory, signal } = pass
  const seen = await providers.endpoints.observe(name, signal)
  if (!seen) return undefined
  const created = seen.createdAt.toISOString()
  if (memory.owned !== created && !(await providers.ownership.isOurs(seen.arn, owner, signal))) return 'foreign'
  memory.owned = created
  return seen
}

async function disown(pass: Pass, seen: ObservedEndpoint | 'foreign' | undefined): Promise<void> {
  const { providers, signal } = pass
  const prefix = revisionPrefix(baseNameOf(pass.object))
  const revisions = [
    ...(await providers.configs.list(prefix, signal)),
    ...(await providers.models.list(prefix, signal)),
  ]
  for (const { arn } of await ownRevisions(pass, revisions)) await providers.ownership.disown(arn, signal)
  await disownAlarm(pass)
  await disownTopics(pass)
  // Last: without its tags, a repeat after a crash would no longer know it.
  if (seen && seen !== 'foreign') await providers.ownership.disown(seen.arn, signal)
}
