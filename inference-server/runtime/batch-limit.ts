/** How many items runs may share, by batch key. */
export type BatchLimit = {
  /** The most that the next run of this key may have: at least 1. */
  items(key: string): number
  /** A run of so many items took so many milliseconds. */
  observe(key: string, items: number, ms: number): void
  /** Whether runs of this key are so short that waiting for one to end is better than waking another worker. */
  quick(key: string): boolean
  /** The first dimension of this key turned out to be no batch: its runs are never shared again. */
  forbid(key: string): void
}

/** As many as may be, whatever it costs: a GPU is idle for the most part of a small run. */
export function fixedBatchLimit(maxItems: number): BatchLimit {
  const forbidden = new Set<string>()
  return {
    items: (key) => (forbidden.has(key) ? 1 : maxItems),
    observe() {},
    quick: () => false,
    forbid(key) {
      if (forbidden.size < MAX_KEYS) forbidden.add(key)
    },
  }
}

/** A larger batch must make an item cheaper by this factor: below, it would only make everybody wait for everybody. */
const WORTH_WHILE = 0.9
/** The first run of a shape allocates and is slower: nothing is concluded from fewer. */
const TRUSTED_RUNS = 3
/** Of this many runs one tries a batch of twice or half the size: what was learnt may have been disturbed, or no longer hold. */
const PROBE_INTERVAL = 16
/** How fast a cost forgets that it was once lower: the machine may have become slower for good. */
const FORGETTING = 0.02
/** To wake a thread takes a tenth of a millisecond, and its core is then missing where requests are read and answered. */
const QUICK_MS = 0.5
/** Keys come from shapes, and thus from callers. */
const MAX_KEYS = 256

/** What an item costs in runs of more than 2^(level-1) and at most 2^level items. */
type Cost = { ms: number; runs: number }
type Known = {
  costs: (Cost | undefined)[]
  runs: number
  /** Of the last run. */
  ms: number
  forbidden?: boolean
}

/**
 * Lets batches grow while items get cheaper by it, which is learnt from the runs themselves. On a CPU a small model is mostly
 * overhead, and eight items cost as much as one; of a large one every item costs the same, and more once the activations of a batch
 * do not fit into the cache (CLIP's ViT-S/16 on one core: 58 ms an item alone, 67 in a batch of 8, 72 in one of 16).
 */
export function learnedBatchLimit(maxItems: number): BatchLimit {
  const known = new Map<string, Known>()

  function of(key: string): Known {
    const found = known.get(key)
    if (found) return found
    // The oldest goes: it will be learnt again in a few runs.
    if (known.size >= MAX_KEYS) known.delete(known.keys().next().value ?? key)
    const made: Known = { costs: [], runs: 0, ms: Number.POSITIVE_INFINITY }
    known.set(key, made)
    return made
  }

  return {
    items(key) {
      const { costs, runs, forbidden } = of(key)
      if (forbidden) return 1
      const level = worthWhile(costs)
      return Math.max(1, Math.min(maxItems, 2 ** (level + probe(costs, level, runs))))
    },
    quick: (key) => of(key).ms < QUICK_MS,
    forbid(key) {
      of(key).forbidden = true
    },
    observe(key, items, ms) {
      const entry = of(key)
      const level = Math.ceil(Math.log2(items))
      entry.runs++
      entry.ms = ms
      const each = ms / items
      const cost = entry.costs[level]
      // Disturbances only ever make a run slower: the cost is the least that was seen, but for slow forgetting.
      if (!cost) entry.costs[level] = { ms: each, runs: 1 }
      else {
        cost.ms = each < cost.ms ? each : cost.ms + FORGETTING * (each - cost.ms)
        cost.runs++
      }
    },
  }
}

/** The largest level whose items are cheaper, by enough, than those of the level that was worth while before it. */
function worthWhile(costs: readonly (Cost | undefined)[]): number {
  let best = 0
  for (const [level, cost] of costs.entries()) {
    const ms = costs[best]?.ms
    if (level > 0 && cost && (ms === undefined || cost.ms <= WORTH_WHILE * ms)) best = level
  }
  return best
}

/** By how many levels the next run departs from what is worth while: mostly 0, at times 1 or -1. */
function probe(costs: readonly (Cost | undefined)[], level: number, runs: number): -1 | 0 | 1 {
  if ((costs[level]?.runs ?? 0) < TRUSTED_RUNS) return 0
  if ((costs[level + 1]?.runs ?? 0) < TRUSTED_RUNS) return 1
  if (runs % PROBE_INTERVAL !== 0) return 0
  return level > 0 && runs % (2 * PROBE_INTERVAL) === 0 ? -1 : 1
}
