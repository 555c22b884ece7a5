import { MAX_REMEMBERED } from '../bounds.ts'
import type { Facts } from './facts.ts'

/** What layers were found to say of patterns. A layer's content never changes, so neither does that. */
export type Memory = {
  get(digest: string, pattern: string): Facts | undefined
  /** The least recently used go beyond the bound. */
  set(digest: string, pattern: string, facts: Facts): void
}

/** Of an entry, beside its paths. */
const OVERHEAD = 200

/** @param bound characters that are kept, about */
export function memory(bound = MAX_REMEMBERED): Memory {
  const entries = new Map<string, { facts: Facts; size: number }>()
  let total = 0
  const forget = (key: string) => {
    total -= entries.get(key)?.size ?? 0
    entries.delete(key)
  }
  return {
    get(digest, pattern) {
      const key = `${digest} ${pattern}`
      const found = entries.get(key)
      if (!found) return undefined
      entries.delete(key)
      entries.set(key, found)
      return found.facts
    },
    set(digest, pattern, facts) {
      const key = `${digest} ${pattern}`
      forget(key)
      const size = key.length + OVERHEAD + sizeOf(facts)
      if (size > bound) return
      entries.set(key, { facts, size })
      total += size
      for (const oldest of entries.keys()) {
        if (total <= bound) break
        forget(oldest)
      }
    },
  }
}

function sizeOf({ matches, inert, hides, links }: Facts): number {
  const paths = [
    ...matches,
    ...inert,
    ...hides.map(({ path }) => path),
    ...links.map(({ path, target }) => path + target),
  ]
  return paths.reduce((sum, path) => sum + path.length, 0)
}
