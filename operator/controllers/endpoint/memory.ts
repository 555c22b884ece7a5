import type { ObservedEndpoint } from '../../providers/endpoint.ts'

/**
 * What this process remembers of one object beside its status: only what saves calls. Losing it, as a restart does, costs a few
 * more looks and nothing else.
 */
export type Memory = {
  uid: string
  /** What the last pass went by; see `unchanged` in controller.ts. */
  fingerprint?: string
  /** When the next pass is due, in ms since the epoch. */
  dueAt?: number
  /** The endpoint as it was described last, when settled; `at` and `confirmedAt`, by a sweep, in ms since the epoch. */
  observed?: { name: string; seen: ObservedEndpoint; at: number; confirmedAt: number }
  /** Whether somebody said that its endpoint may have changed, and no pass has begun since. */
  hinted?: boolean
  /** The resourceVersion that our last write replaced, and when: a cache that still has it has not caught up. */
  wroteOver?: { version: string | undefined; at: number }
  /** What was seen to be as it should, and when, by name. */
  verified: Map<string, { revision: string; at: number }>
  /** Models and configurations that a call said are absent although they were made. */
  suspect: Set<string>
  /** The configuration that was seen once not to have been taken; a single look may be a stale one. */
  doubted?: string
  /** The endpoint's LastModifiedTime when an update was asked for, and when that was, both in ms: older answers are stale. */
  updated?: { from: number; at: number }
  /** Since when answers say that an endpoint that was being deleted is not, in ms since the epoch. */
  undeletedSince?: number
  /** The configuration of the last good revision, since SageMaker was asked to go back to it. */
  restoring?: string
  /** Whether this process asked for the endpoint and has not seen it yet. */
  madeEndpoint?: boolean
  /** When the endpoint was created whose tags finalization has seen to be ours. */
  owned?: string
  /** Whether finalization has already taken the scaling away. */
  scalingRemoved?: boolean
}

export type Memories = {
  /** A new object under an old name starts with nothing. */
  of(key: string, uid: string): Memory
  /** Undefined where nothing is remembered. */
  peek(key: string): Memory | undefined
  forget(key: string): void
}

export function memories(): Memories {
  const known = new Map<string, Memory>()
  return {
    of(key, uid) {
      const remembered = known.get(key)
      if (remembered?.uid === uid) return remembered
      const memory: Memory = { uid, verified: new Map(), suspect: new Set() }
      known.set(key, memory)
      return memory
    },
    peek: (key) => known.get(key),
    forget: (key) => void known.delete(key),
  }
}
