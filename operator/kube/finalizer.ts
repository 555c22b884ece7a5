import type { KubeClient } from './client.ts'
import type { KubeObject, ResourceType } from './types.ts'

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false
}

/** Adds it, unless the object has changed since it was read (KubeError 409): a merge patch replaces the list whole. */
export async function addFinalizer(
  client: KubeClient,
  resource: ResourceType,
  object: KubeObject,
  finalizer: string,
): Promise<void> {
  if (hasFinalizer(object, finalizer)) return
  await write(client, resource, object, [...(object.metadata.finalizers ?? []), finalizer])
}

/** Removes it, after which the API server may forget the object. The same rule on conflicts. */
export async function removeFinalizer(
  client: KubeClient,
  resource: ResourceType,
  object: KubeObject,
  finalizer: string,
): Promise<void> {
  if (!hasFinalizer(object, finalizer)) return
  await write(
    client,
    resource,
    object,
    (object.metadata.finalizers ?? []).filter((present) => present !== finalizer),
  )
}

async function write(
  client: KubeClient,
  resource: ResourceType,
  object: KubeObject,
  finalizers: string[],
): Promise<void> {
  const { namespace, name, resourceVersion } = object.metadata
  await client.mergePatch(
    resource,
    { name, ...(namespace ? { namespace } : {}) },
    { metadata: { resourceVersion, finalizers } },
  )
}
