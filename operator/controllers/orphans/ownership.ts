import type { AsyncInferenceEndpoint } from '../../api/async-inference-endpoint.ts'
import { OWNER_TAGS } from '../../providers/ownership.ts'
import type { TaggedResource } from '../../providers/tagged-resources.ts'
import { wakeAlarmName } from '../endpoint/desired-autoscaling.ts'
import { endpointName, revisionPrefix } from '../endpoint/names.ts'

/** The object that a resource was made for, by its tags. */
export type OwnerObject = { namespace: string; name: string; uid: string }

export type Scope = { cluster: string; namespace: string | undefined }

const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Undefined unless all owner tags are there, whole, and of this cluster and of the namespace that this operator works for. */
export function ownerIn(tags: ReadonlyMap<string, string>, scope: Scope): OwnerObject | undefined {
  const namespace = tags.get(OWNER_TAGS.namespace)
  const name = tags.get(OWNER_TAGS.name)
  const uid = tags.get(OWNER_TAGS.uid)
  if (tags.get(OWNER_TAGS.cluster) !== scope.cluster) return undefined
  if (!namespace || !name || !uid || !UID.test(uid)) return undefined
  if (scope.namespace !== undefined && scope.namespace !== namespace) return undefined
  return { namespace, name, uid }
}

export function sameOwner(a: OwnerObject, b: OwnerObject | undefined): boolean {
  return a.uid === b?.uid && a.name === b.name && a.namespace === b.namespace
}

/**
 * Whether the name is one that Mooring computes for that owner. Tags can be copied, with an endpoint that is cloned by hand say, and
 * an adopted endpoint was there before Mooring: neither has such a name, and neither is ours to delete.
 */
export function madeFor(owner: OwnerObject, { type, name }: Pick<TaggedResource, 'type' | 'name'>): boolean {
  const base = endpointName(owner)
  switch (type) {
    case 'endpoint':
      return name === base
    case 'endpoint-config':
    case 'model':
      return name.startsWith(revisionPrefix(base))
    case 'alarm':
      return name === wakeAlarmName(base)
    case 'topic':
      return name === `${base}-success` || name === `${base}-error`
  }
}

/** Every name in SageMaker that an object refers to, in its spec or by its status: whatever its tags say, it is in use. */
export function namesInUse(objects: readonly AsyncInferenceEndpoint[]): Set<string> {
  const names = new Set<string>()
  for (const { spec, status } of objects) {
    const used = [spec.adopt, status?.endpointName, status?.endpointConfigName, status?.modelName]
    for (const name of used) if (name) names.add(name.toLowerCase())
    for (const revision of status?.revisions ?? []) {
      names.add(revision.endpointConfigName.toLowerCase())
      names.add(revision.modelName.toLowerCase())
    }
  }
  return names
}
