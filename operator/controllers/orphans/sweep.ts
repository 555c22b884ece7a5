import type { AsyncInferenceEndpoint } from '../../api/async-inference-endpoint.ts'
import { ASYNC_INFERENCE_ENDPOINTS } from '../../api/names.ts'
import type { KubeClient } from '../../kube/client.ts'
import { KubeError } from '../../kube/errors.ts'
import type { Log } from '../../kube/log.ts'
import type { Providers } from '../../providers/region.ts'
import type { ResourceType, TaggedResource } from '../../providers/tagged-resources.ts'
import { madeFor, namesInUse, type OwnerObject, ownerIn, type Scope, sameOwner } from './ownership.ts'
import { removeOrphans } from './removal.ts'

export type SweepDependencies = {
  kube: Pick<KubeClient, 'get'>
  /** The objects that are known: a cache, which only ever spares resources and condemns none. */
  objects(): AsyncInferenceEndpoint[]
  scope: Scope
  /** Whether orphans are removed or only counted and named. */
  mode: 'delete' | 'report'
  log: Log
}

/** What one sweep found. `suspects` are given to the next one: an orphan is what was one in two sweeps. */
export type Swept = { suspects: Set<string>; orphans: Map<ResourceType, number>; removed: number }

/** Owners without an object that one sweep looks into: each costs a question to the API server and one for each resource. */
const MAX_OWNERS = 100

type Group = { owner: OwnerObject; resources: TaggedResource[] }

/**
 * Looks at all that carries the cluster's tags in one region, and acts on what no object owns. The index of tags and the cache of
 * objects only choose what to look at; what decides is asked at the moment: the API server for the object, the resource's own service
 * for its tags.
 * @param budget how many resources may be removed at most
 * @throws what the API server, or the index, answered instead of a clear yes or no: nothing more is removed on a doubt
 */
export async function sweep(
  deps: SweepDependencies,
  providers: Providers,
  suspects: ReadonlySet<string>,
  budget: number,
  signal: AbortSignal,
): Promise<Swept> {
  const { scope, log } = deps
  const swept: Swept = { suspects: new Set(), orphans: new Map(), removed: 0 }
  const found = await providers.tagged.find(scope.cluster, scope.namespace, signal)
  const living = new Set(deps.objects().map(({ metadata }) => metadata.uid))
  const ownerless = groups(found, scope).filter(({ owner }) => !living.has(owner.uid))
  if (ownerless.length > MAX_OWNERS)
    log.warn({ owners: ownerless.length, looked: MAX_OWNERS }, 'there is much without an object: the rest waits')
  for (const { owner, resources } of ownerless.slice(0, MAX_OWNERS)) {
    signal.throwIfAborted()
    if (!(await isGone(deps.kube, owner))) continue
    const again = resources.filter(({ arn }) => suspects.has(suspicion(arn, owner)))
    for (const { arn } of resources) swept.suspects.add(suspicion(arn, owner))
    try {
      const orphans: TaggedResource[] = []
      for (const resource of again) if (await stillCarries(resource, owner)) orphans.push(resource)
      for (const { type } of orphans) swept.orphans.set(type, (swept.orphans.get(type) ?? 0) + 1)
      if (orphans.length > 0) await act(owner, orphans, resources)
    } catch (error) {
      signal.throwIfAborted()
      log.warn(
        { err: error, ...owner },
        'orphaned resources could not be looked at or removed; they wait for the next sweep',
      )
    }
  }
  return swept

  async function stillCarries(resource: TaggedResource, owner: OwnerObject): Promise<boolean> {
    const tags = await providers.tagged.tagsOf(resource, signal)
    return tags !== undefined && sameOwner(owner, ownerIn(tags, scope))
  }

  async function act(owner: OwnerObject, orphans: TaggedResource[], all: TaggedResource[]): Promise<void> {
    const used = namesInUse(deps.objects())
    const ours = orphans.filter((each) => madeFor(owner, each) && !used.has(each.name.toLowerCase()))
    const adopted = all.some((each) => each.type === 'endpoint' && !madeFor(owner, each))
    for (const { arn, type } of orphans)
      log.warn({ arn, type, ...owner }, 'orphaned: it carries the tags of an object that is gone')
    for (const { arn } of orphans.filter((each) => !ours.includes(each)))
      log.warn({ arn }, 'left alone: its name is not one that Mooring gave, or an object refers to it')
    if (deps.mode === 'report' || ours.length === 0) return
    // An adopted endpoint is left, and serves with the configuration that Mooring made.
    if (adopted) return log.warn({ ...owner }, 'left alone: an endpoint that Mooring did not make may need the rest')
    const { removed, left } = await removeOrphans(providers, owner, ours, budget - swept.removed, signal)
    swept.removed += removed
    if (removed > 0) log.warn({ ...owner, removed }, 'removed orphaned resources')
    if (left) log.info({ ...owner, left }, 'orphaned resources wait for the next sweep')
  }
}

/** Something that was an orphan of this owner; of another, it begins anew. */
function suspicion(arn: string, { uid }: OwnerObject): string {
  return `${arn} ${uid}`
}

function groups(found: TaggedResource[], scope: Scope): Group[] {
  const byOwner = new Map<string, Group>()
  for (const resource of found) {
    const owner = ownerIn(resource.tags, scope)
    if (!owner) continue
    const key = `${owner.namespace}/${owner.name}/${owner.uid}`
    const group = byOwner.get(key) ?? { owner, resources: [] }
    group.resources.push(resource)
    byOwner.set(key, group)
  }
  return [...byOwner.values()]
}

/**
 * Whether the API server itself says that there is no such object, or that its name has been given to another. An object that is being
 * deleted is there. "Not found" counts in the API server's own words only: a missing definition or a proxy answers 404 too.
 * @throws for every other answer
 */
async function isGone(kube: Pick<KubeClient, 'get'>, { namespace, name, uid }: OwnerObject): Promise<boolean> {
  try {
    const { metadata } = await kube.get(ASYNC_INFERENCE_ENDPOINTS, { namespace, name })
    return metadata.uid !== undefined && metadata.uid !== uid
  } catch (error) {
    const { plural, group } = ASYNC_INFERENCE_ENDPOINTS
    const said = `${plural}.${group} "${name}" not found`
    if (error instanceof KubeError && error.code === 404 && error.message === said) return true
    throw error
  }
}
