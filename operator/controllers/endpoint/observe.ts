import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import type { PinnedPass } from './pass.ts'

/** SageMaker's answers lag by seconds; one from before that stays for longer is believed. */
export const MAX_LAG_MS = 60_000

/** How much older than its interval a listing may be: it is jittered, and takes some time. */
const LATENESS = 1.5

/**
 * The endpoint as it is; undefined where there is none. One that is settled, and that the sweep has seen unchanged since it was described, is
 * not described again. The controller forgets what is remembered here whenever the object changed or a pass did anything but find all in order.
 */
export async function observeEndpoint(pass: PinnedPass): Promise<ObservedEndpoint | undefined> {
  const { desired, memory, providers, signal, now } = pass
  const at = now.getTime()
  if (memory.observed && stillTrue(pass, memory.observed)) return memory.observed.seen
  delete memory.observed
  const seen = await providers.endpoints.observe(desired.endpointName, signal)
  if (seen?.status === 'InService') memory.observed = { name: desired.endpointName, seen, at, confirmedAt: at }
  return seen
}

function stillTrue(pass: PinnedPass, observed: NonNullable<PinnedPass['memory']['observed']>): boolean {
  const { desired, spec, intervals, providers } = pass
  const now = pass.now.getTime()
  const recent = (time: number) => now - time <= LATENESS * intervals.settled
  const listing = providers.listing.latest()
  // No sweep of late: it failed, or does not run.
  if (!listing || !recent(listing.startedAt) || observed.name !== desired.endpointName) return false
  // Counts of instances are not in a listing, and it is not known whether losing one counts as a modification.
  const unhealthyAfter = spec.recovery.unhealthyAfterSeconds * 1000 || intervals.verify
  const { current, desired: wanted } = observed.seen.instances ?? { current: 0, desired: 0 }
  if (current < wanted || now - observed.at > Math.min(intervals.verify, unhealthyAfter)) return false
  // A listing from before the description says nothing of it.
  if (listing.startedAt > observed.at) {
    if (!listing.confirms(observed.name, observed.seen)) return false
    observed.confirmedAt = listing.startedAt
  }
  return recent(observed.confirmedAt)
}
