import { HISTORY_LIMIT, type ModelImageStatus } from '../../api/model-image-status.ts'
import { timestamp } from '../../api/timestamp.ts'
import { short } from '../../images/digest.ts'
import type { ImageFacts } from '../../images/facts.ts'
import { readManifest } from '../../images/manifest.ts'
import type { ImageSource } from '../../images/source.ts'
import type { ImagePass } from './pass.ts'
import { humanSize } from './size.ts'

type Seen = NonNullable<ModelImageStatus['history']>[number]

/** Notes a digest that was not seen before, and in what it differs from the one seen before it. */
export async function noteSeen(pass: ImagePass, source: ImageSource, facts: ImageFacts): Promise<void> {
  const { status, now, signal } = pass
  const earlier = status.history ?? []
  if (earlier.some(({ digest }) => digest === facts.digest)) return
  const { digest, tag, pushedAt, sizeBytes, layers } = facts
  const fresh = await newLayers(source, earlier[0]?.digest, facts, signal)
  const seen: Seen = {
    digest,
    shortDigest: short(digest),
    ...(tag === undefined ? {} : { tag }),
    outcome: 'Pending',
    foundAt: timestamp(now),
    ...(pushedAt ? { pushedAt: timestamp(pushedAt) } : {}),
    sizeBytes,
    size: humanSize(sizeBytes),
    layers: layers.length,
    ...(fresh ? { newLayers: fresh.length, newSize: humanSize(fresh.reduce((sum, { size }) => sum + size, 0)) } : {}),
  }
  const superseded = earlier.map((each) =>
    each.outcome === 'Pending' ? { ...each, outcome: 'Superseded' as const } : each,
  )
  // The one in use is kept however old it is.
  const kept = superseded.slice(0, HISTORY_LIMIT - 1)
  const used = superseded.slice(HISTORY_LIMIT - 1).find(({ outcome }) => outcome === 'InUse')
  status.history = [seen, ...(used ? [...kept.slice(0, -1), used] : kept)]
}

/** Notes what became of a digest. */
export function noteOutcome(status: ModelImageStatus, digest: string, outcome: Seen['outcome']): void {
  for (const seen of status.history ?? []) {
    if (seen.digest === digest) seen.outcome = outcome
    else if (outcome === 'InUse' && seen.outcome === 'InUse') seen.outcome = 'Replaced'
  }
}

/** Undefined where the earlier image is not known, or not in the repository any more: it is only for information. */
async function newLayers(
  source: ImageSource,
  earlier: string | undefined,
  { layers }: ImageFacts,
  signal: AbortSignal,
): Promise<ImageFacts['layers'] | undefined> {
  if (earlier === undefined) return undefined
  const before = await readManifest(source, earlier, signal).catch(() => undefined)
  if (before?.content.kind !== 'manifest') return undefined
  const known = new Set(before.content.layers.map(({ digest }) => digest))
  return layers.filter(({ digest }) => !known.has(digest))
}
