import { isDeepStrictEqual } from 'node:util'
import type { KubeClient } from './client.ts'
import type { KubeObject, ResourceType } from './types.ts'

/**
 * Writes the object's status when it differs from `before`, in one merge patch that fails with a conflict (KubeError 409) when the
 * object has changed since it was read. Answers whether it wrote.
 */
export async function patchStatusIfChanged(
  client: KubeClient,
  resource: ResourceType,
  before: unknown,
  object: KubeObject,
): Promise<boolean> {
  const status = mergeDifference(plain(before) ?? {}, plain(object.status) ?? {})
  if (status === undefined) return false
  const { namespace, name, resourceVersion } = object.metadata
  const key = { name, ...(namespace ? { namespace } : {}) }
  await client.patchStatus(resource, key, { metadata: { resourceVersion }, status })
  return true
}

/** The JSON merge patch (RFC 7396) that makes `before` into `after`: removed keys as null, lists whole. Undefined when equal. */
export function mergeDifference(before: unknown, after: unknown): unknown {
  if (isDeepStrictEqual(before, after)) return undefined
  if (!isRecord(before) || !isRecord(after)) return after
  const patch: Record<string, unknown> = {}
  for (const key of Object.keys(before)) if (!(key in after)) patch[key] = null
  for (const [key, value] of Object.entries(after)) {
    const difference = mergeDifference(before[key], value)
    if (difference !== undefined) patch[key] = difference
  }
  return patch
}

/** As JSON would carry it: keys whose value is undefined are not there. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
