import { MAX_REFERRERS } from '../bounds.ts'
import { parseManifest } from '../manifest.ts'
import type { Descriptor, ImageSource } from '../source.ts'

/**
 * Referrers where a registry has no API for them: an index under a tag made of the digest.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
export async function referrersByTag(
  source: Pick<ImageSource, 'manifest'>,
  digest: string,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const raw = await source.manifest(digest.replace(':', '-'), signal)
  if (!raw) return []
  const parsed = parseManifest(raw)
  return parsed.kind === 'index' ? parsed.manifests.slice(0, MAX_REFERRERS) : []
}
