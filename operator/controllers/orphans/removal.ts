import type { Providers } from '../../providers/region.ts'
import type { ResourceType, TaggedResource } from '../../providers/tagged-resources.ts'
import { VARIANT } from '../endpoint/desired.ts'
import { scalableVariant, wakeAlarmName } from '../endpoint/desired-autoscaling.ts'
import { endpointName } from '../endpoint/names.ts'
import type { OwnerObject } from './ownership.ts'

/** SageMaker refuses to delete in these; in Deleting it is on its way. */
const IN_PROGRESS = new Set<string>(['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting'])

/** A model is needed by configurations, and both by the endpoint. */
const ORDER: readonly ResourceType[] = ['alarm', 'endpoint-config', 'model', 'topic']

/** What becomes of an owner's resources: how many were removed, and why others were left. */
export type Removal = { removed: number; left: string | undefined }

/**
 * Removes what is left of one object, as far as can be without waiting: the endpoint and its scaling; all else once the endpoint is
 * gone, by a later sweep.
 * @param orphans resources whose tags have just been read from their services
 * @param budget how many may be removed at most
 */
export async function removeOrphans(
  providers: Pick<Providers, 'endpoints' | 'configs' | 'models' | 'autoscaling' | 'topics'>,
  owner: OwnerObject,
  orphans: readonly TaggedResource[],
  budget: number,
  signal: AbortSignal,
): Promise<Removal> {
  const name = endpointName(owner)
  const alarm = wakeAlarmName(name)
  const seen = await providers.endpoints.observe(name, signal)
  if (seen) {
    // It may have lost its tags, by Retain or by another owner: then its configuration, alarm and topics are still needed.
    if (!orphans.some(({ type, arn }) => type === 'endpoint' && arn === seen.arn))
      return { removed: 0, left: 'the endpoint is there, and is not known to be without an owner' }
    if (IN_PROGRESS.has(seen.status)) return { removed: 0, left: `the endpoint is ${seen.status}` }
    if (budget < 1) return { removed: 0, left: 'enough was removed in this sweep' }
    await providers.autoscaling.deleteAlarm(alarm, signal)
    await providers.autoscaling.deregister(scalableVariant(name, VARIANT), signal)
    const outcome = await providers.endpoints.delete(name, signal)
    return outcome === 'in-progress'
      ? { removed: 0, left: 'the endpoint is being changed' }
      : { removed: 1, left: 'the rest goes when the endpoint is gone' }
  }
  let removed = 0
  for (const type of ORDER) {
    for (const orphan of orphans.filter((each) => each.type === type)) {
      if (removed >= budget) return { removed, left: 'enough was removed in this sweep' }
      await remove(orphan)
      removed++
    }
  }
  return { removed, left: undefined }

  function remove(orphan: TaggedResource): Promise<void> {
    switch (orphan.type) {
      case 'alarm':
        return providers.autoscaling.deleteAlarm(alarm, signal)
      case 'endpoint-config':
        return providers.configs.delete(orphan.name, signal)
      case 'model':
        return providers.models.delete(orphan.name, signal)
      case 'topic':
        return providers.topics.delete(orphan.arn, signal)
      case 'endpoint':
        return Promise.resolve()
    }
  }
}
