import { explainError } from '../../providers/errors.ts'
import type { PinnedPass } from './pass.ts'

/** Phases of an endpoint that is not being changed. */
const SETTLED = new Set(['InService', 'ScaledToZero', 'Scaling', 'Suspended', 'RolledBack'])

/**
 * The length of the queue, for people. Only of endpoints that have settled: a new one has none, and its creation is to cost no call
 * more than it must.
 */
export async function backlogOf(pass: PinnedPass): Promise<number | undefined> {
  const { before, desired, intervals, providers, signal, log } = pass
  if (!SETTLED.has(before.phase ?? '')) return before.instances?.backlog
  try {
    return await providers.backlogs.of(desired.endpointName, intervals.settled, signal)
  } catch (error) {
    if (signal.aborted) throw error
    // Nothing depends on it, and the metrics may be forbidden to us.
    log.info({ resource: desired.endpointName, reason: explainError(error).reason }, 'the backlog could not be read')
    return before.instances?.backlog
  }
}
