import { setTimeout as delay } from 'node:timers/promises'
import type { AsyncInferenceEndpoint } from '../../api/async-inference-endpoint.ts'
import type { Log } from '../../kube/log.ts'
import { keyOf } from '../../kube/types.ts'
import type { Providers } from '../../providers/region.ts'
import { jittered } from '../intervals.ts'
import type { EndpointReconciler } from './controller.ts'

export type SweepDependencies = {
  objects(): AsyncInferenceEndpoint[]
  providers(region: string): Pick<Providers, 'listing'>
  reconciler: Pick<EndpointReconciler, 'observed' | 'hint'>
  enqueue(key: string): void
  /** Between sweeps, in milliseconds. */
  interval: number
  random: () => number
  log: Log
}

/**
 * One look at all endpoints of each region with objects, again and again until aborted: passes of settled endpoints go by it instead of
 * describing theirs, and what it finds changed is looked at at once. For the leader alone. Without it, or where it fails, every pass describes.
 */
export async function sweepEndpoints(deps: SweepDependencies, signal: AbortSignal): Promise<void> {
  const { interval, random, log } = deps
  while (!signal.aborted) {
    // Waiting comes first: nothing has been described yet that a list could confirm.
    await delay(jittered(interval, random), undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    for (const [region, objects] of byRegion(deps.objects())) {
      try {
        await sweep(deps, region, objects, signal)
      } catch (error) {
        if (signal.aborted) return
        log.warn({ err: error, region }, 'could not list the endpoints; each is described instead')
      }
    }
  }
}

async function sweep(
  { providers, reconciler, enqueue }: SweepDependencies,
  region: string,
  objects: AsyncInferenceEndpoint[],
  signal: AbortSignal,
): Promise<void> {
  // A page for each object: with more pages than that, describing the objects' endpoints costs fewer calls.
  const listing = await providers(region).listing.refresh(objects.length, signal)
  if (!listing) return
  for (const object of objects) {
    const key = keyOf(object)
    const observed = reconciler.observed(key)
    if (!observed || observed.at >= listing.startedAt || listing.confirms(observed.name, observed.seen)) continue
    reconciler.hint(key)
    enqueue(key)
  }
}

function byRegion(objects: AsyncInferenceEndpoint[]): Map<string, AsyncInferenceEndpoint[]> {
  const regions = new Map<string, AsyncInferenceEndpoint[]>()
  for (const object of objects) {
    const { region } = object.spec
    const list = regions.get(region)
    if (list) list.push(object)
    else regions.set(region, [object])
  }
  return regions
}
