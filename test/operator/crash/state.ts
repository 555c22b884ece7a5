import type { AsyncInferenceEndpoint } from '../../../operator/api/async-inference-endpoint.ts'

/** Differ between two runs that come to the same end. */
const TIMES = /(Time|At|Timestamp|time|Since|creationTime)$/

/**
 * The cloud's state, or an object's, as it would read under any other name and at any other time: the endpoint is `E`, hashes of
 * content are numbered in their order of appearance, moments are left out.
 * @param endpointName the endpoint's name in the cloud, which begins the names of all that belongs to it
 */
export function normalised(value: unknown, { endpointName, namespace, name, uid }: Names): unknown {
  const hashes = new Map<string, string>()
  const texts = (text: string) =>
    text
      .replaceAll(endpointName, 'E')
      .replaceAll(uid, 'UID')
      .replaceAll(namespace, 'NAMESPACE')
      .replaceAll(name, 'NAME')
      .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'ID')
      .replace(/\b[0-9a-f]{8}\b/g, (hash) => {
        const known = hashes.get(hash) ?? `#${hashes.size + 1}`
        hashes.set(hash, known)
        return known
      })
  const walk = (node: unknown): unknown => {
    if (node instanceof Date) return undefined
    if (typeof node === 'string') return texts(node)
    if (Array.isArray(node)) return node.map(walk).sort(byName)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(
      Object.entries(node)
        .filter(([key]) => !TIMES.test(key))
        .map(([key, member]) => [key, walk(member)]),
    )
  }
  return walk(value)
}

/** Policies and alarms are put at once, in any order; what else has a `name` is alone in its list. */
function byName(a: unknown, b: unknown): number {
  const [one, other] = [a, b].map((node) => (node as { name?: string } | null)?.name ?? '')
  return one === other ? 0 : (one ?? '') < (other ?? '') ? -1 : 1
}

export type Names = { endpointName: string; namespace: string; name: string; uid: string }

/** What a user would go by: the conditions and what the object is said to run. */
export function verdict({ status }: AsyncInferenceEndpoint): unknown {
  const { conditions = [], phase, endpointStatus, endpointConfigName, modelName, rollout } = status ?? {}
  return {
    phase,
    endpointStatus,
    endpointConfigName,
    modelName,
    rollout: rollout?.result,
    conditions: conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`).sort(),
  }
}
