import { timestamp } from '../../api/timestamp.ts'
import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import { whileInFlight } from '../intervals.ts'
import { adopt } from './adopt.ts'
import { backlogOf } from './backlog.ts'
import { createEndpoint, endpointTaken } from './endpoint-create.ts'
import { inService } from './endpoint-in-service.ts'
import { changing } from './endpoint-update.ts'
import { endpointMissing } from './events.ts'
import { MAX_LAG_MS, observeEndpoint } from './observe.ts'
import { type Outcome, type PinnedPass, type ServingPass, waiting } from './pass.ts'
import { recover, renewedRecovery } from './recovery.ts'

/** AWS users report endpoints that stay in Creating for hours, and cannot be deleted meanwhile. */
export const LONG_CREATION_MS = 60 * 60_000

/** Brings the endpoint to InService on the wanted configuration: creates, updates, or deletes a failed one to create it again. */
export async function endpointStep(pass: PinnedPass): Promise<Outcome<ServingPass>> {
  const { status, desired } = pass
  status.endpointName = desired.endpointName
  const changed = renewedRecovery(pass)
  const refused = await adopt(pass)
  if (refused) return refused
  // Nothing is known of it: create without looking first. A name that is taken is looked at then.
  if (!status.endpointArn) return await create(pass, changed)
  const seen = await observeEndpoint(pass)
  if (seen) return await judge(pass, seen, changed)
  const unexpected = status.endpointStatus !== 'Deleting'
  forgetEndpoint(pass)
  const outcome = await create(pass, changed)
  // Only now it is certain: a read just after the creation may still find nothing.
  if (unexpected && status.endpointStatus === 'Creating') pass.emit(endpointMissing(desired.endpointName))
  return outcome
}

async function create(pass: PinnedPass, changed: boolean): Promise<Outcome<ServingPass>> {
  const result = await createEndpoint(pass)
  return result.kind === 'found' ? await judge(pass, result.seen, changed) : result
}

/** What the endpoint's state asks for. */
async function judge(pass: PinnedPass, seen: ObservedEndpoint, changed: boolean): Promise<Outcome<ServingPass>> {
  const { status, spec, owner, memory, providers, signal } = pass
  const created = timestamp(seen.createdAt)
  // At the first look after a restart too: while no operator ran, the endpoint may have been replaced by another one of its name.
  const known = status.endpointCreationTime === created || memory.madeEndpoint
  if (!known && !(await providers.ownership.isOurs(seen.arn, owner, signal))) return endpointTaken(pass)
  delete memory.madeEndpoint
  if (isFromBeforeDeletion(pass, seen, created)) return deleting(pass)
  status.endpointCreationTime = created
  status.endpointArn = seen.arn
  status.endpointStatus = seen.status
  const { minInstances: min, maxInstances: max } = spec.scaling
  const { current, desired } = seen.instances ?? { current: 0, desired: 0 }
  const backlog = await backlogOf(pass)
  const summary = `${current}/${desired} (${min}-${max})`
  status.instances = { current, desired, min, max, summary, ...(backlog === undefined ? {} : { backlog }) }
  if (seen.billedInstances !== current) status.instances.billed = seen.billedInstances

  switch (seen.status) {
    case 'Creating':
      return creating(pass, seen)
    case 'Updating':
    case 'SystemUpdating':
    case 'RollingBack':
      return changing(pass, seen)
    case 'Deleting':
      return deleting(pass)
    case 'Failed':
    case 'OutOfService':
      return await recover(pass, seen, changed)
    default:
      return await inService(pass, seen, changed)
  }
}

/** Whether the answer is from before the endpoint began to go: SageMaker undoes no deletion. Believed when it stays. */
function isFromBeforeDeletion({ before, memory, now }: PinnedPass, seen: ObservedEndpoint, created: string): boolean {
  const going = before.endpointStatus === 'Deleting' && before.endpointCreationTime === created
  if (!going || seen.status === 'Deleting') {
    delete memory.undeletedSince
    return false
  }
  memory.undeletedSince ??= now.getTime()
  return now.getTime() - memory.undeletedSince < MAX_LAG_MS
}

function creating(pass: PinnedPass, seen: ObservedEndpoint): Outcome<ServingPass> {
  const { status, now, intervals } = pass
  status.phase = 'Creating'
  status.recovery = { attempts: 0, ...status.recovery, creatingSince: timestamp(seen.createdAt) }
  const elapsed = now.getTime() - seen.createdAt.getTime()
  const long = elapsed > LONG_CREATION_MS
  return waiting(
    pass,
    'EndpointInService',
    long ? 'CreatingForLong' : 'Creating',
    long
      ? "SageMaker has been creating the endpoint for more than an hour. It cannot be deleted meanwhile, and its instances may be billed. Look at the container's log; no log at all means that the container never started."
      : 'SageMaker is creating the endpoint.',
    whileInFlight(intervals, elapsed),
  )
}

function deleting(pass: PinnedPass): Outcome<ServingPass> {
  pass.status.phase = 'Recovering'
  const message = 'The endpoint is being deleted. Its name is free when it is gone; then it is created again.'
  return waiting(pass, 'EndpointInService', 'Recovering', message, pass.intervals.deleting)
}

function forgetEndpoint({ status }: PinnedPass): void {
  delete status.endpointArn
  delete status.endpointStatus
  delete status.endpointCreationTime
  delete status.currentRevision
  delete status.instances
}
