/** Whoever is gone takes along what it owns. */
export type OwnerReference = {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** The metadata that this operator reads and writes. */
export type ObjectMeta = {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  annotations?: Record<string, string>
  labels?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  deletionTimestamp?: string
  creationTimestamp?: string
}

export type KubeObject<Spec = unknown, Status = unknown> = {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  spec: Spec
  status?: Status
}

/** How the API server addresses a kind. The core group is ''. */
export type ResourceType = { group: string; version: string; plural: string; kind: string; namespaced: boolean }

export type ObjectKey = { namespace?: string; name: string }

/** An object's place in queue and cache: `namespace/name`, or the name alone where there is no namespace. */
export function keyOf(object: { metadata: ObjectMeta }): string {
  return keyString(object.metadata)
}

export function keyString({ namespace, name }: ObjectKey): string {
  return namespace ? `${namespace}/${name}` : name
}

export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
