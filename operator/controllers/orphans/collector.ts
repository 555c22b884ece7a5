import { setTimeout as delay } from 'node:timers/promises'
import type { Providers } from '../../providers/region.ts'
import type { ResourceType } from '../../providers/tagged-resources.ts'
import { jittered } from '../intervals.ts'
import { type SweepDependencies, sweep } from './sweep.ts'

export type CollectorDependencies = SweepDependencies & {
  providers(region: string): Providers
  /** Looked at even where no object of today is. */
  regions: readonly string[]
  /** Between sweeps, in milliseconds. */
  interval: number
  metrics: { orphans(type: ResourceType, count: number): void }
  random: () => number
}

export type OrphanCollector = {
  /** One look at every region. Never throws: what failed is logged, and tried again by the next. */
  sweep(signal: AbortSignal): Promise<void>
  /** Sweeps again and again until aborted. */
  run(signal: AbortSignal): Promise<void>
}

/** More than AWS has. */
const MAX_REGIONS = 64

const TYPES: readonly ResourceType[] = ['endpoint', 'endpoint-config', 'model', 'alarm', 'topic']

/** Removals in one sweep, over all regions: should ever a mistake be made, it is seen before much is lost. */
export const MAX_REMOVALS = 20

/**
 * Finds and removes what carries this cluster's tags although its object is gone: after a finalizer was taken off by hand, or objects
 * were restored under new UIDs. For the leader alone.
 */
export function orphanCollector(deps: CollectorDependencies): OrphanCollector {
  const { providers, log, metrics, interval, random } = deps
  const suspects = new Map<string, Set<string>>()
  const regions = new Set(deps.regions)
  /** As last seen in each region: a sweep that failed says nothing new. */
  const counts = new Map<string, ReadonlyMap<ResourceType, number>>()

  const sweepAll = async (signal: AbortSignal): Promise<void> => {
    // Those of objects that have gone since are kept: that is where orphans are.
    for (const { spec } of deps.objects()) if (regions.size < MAX_REGIONS) regions.add(spec.region)
    let budget = MAX_REMOVALS
    for (const region of regions) {
      const before = suspects.get(region) ?? new Set()
      suspects.delete(region)
      try {
        const swept = await sweep(deps, providers(region), before, budget, signal)
        suspects.set(region, swept.suspects)
        budget -= swept.removed
        counts.set(region, swept.orphans)
      } catch (error) {
        if (signal.aborted) return
        log.warn({ err: error, region }, 'could not look for orphaned resources; nothing is removed on a doubt')
      }
    }
    for (const type of TYPES)
      metrics.orphans(
        type,
        [...counts.values()].reduce((sum, of) => sum + (of.get(type) ?? 0), 0),
      )
  }

  return {
    sweep: sweepAll,
    async run(signal) {
      while (!signal.aborted) {
        await delay(jittered(interval, random), undefined, { signal }).catch(() => {})
        if (!signal.aborted) await sweepAll(signal)
      }
    },
  }
}
