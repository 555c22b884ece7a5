import { readBlob } from '../../blob.ts'
import { ImageError } from '../../errors.ts'
import { readManifest } from '../../manifest.ts'
import type { Descriptor, ImageSource } from '../../source.ts'
import { BUNDLE_TYPES, readBundle } from './bundle.ts'
import type { Signed } from './signed.ts'
import { readSimpleSigning, SIMPLE_SIGNING_TYPE } from './simple-signing.ts'

/** Certificates and log entries make some ten KB. */
const MAX_SIGNED_BYTES = 256 * 1024
/** Of one image: whoever may push to a repository can add more, but not make us read them. */
const MAX_SIGNED = 32

/**
 * What `cosign sign` has stored for a digest, one after the other and at most 32: as bundles that refer to it, since version 3, and under the
 * tag sha256-<hex>.sig.
 * @throws what the source throws
 */
export async function* signedFor(source: ImageSource, digest: string, signal: AbortSignal): AsyncGenerator<Signed> {
  const tag = digest.replace(':', '-')
  let left = MAX_SIGNED
  const layersOf = async (reference: string) => {
    const found = await readable(readManifest(source, reference, signal))
    return found?.content.kind === 'manifest' ? found.content.layers : []
  }
  for (const referrer of await bundlesFor(source, digest, tag, signal))
    for (const layer of await layersOf(referrer.digest)) {
      if (!BUNDLE_TYPES.test(layer.mediaType)) continue
      if (left-- <= 0) return
      const bytes = await content(source, layer, signal)
      const signed = bytes && readBundle(bytes)
      if (signed) yield signed
    }
  for (const layer of await layersOf(`${tag}.sig`)) {
    if (layer.mediaType !== SIMPLE_SIGNING_TYPE) continue
    if (left-- <= 0) return
    const bytes = await content(source, layer, signal)
    const signed = bytes && readSimpleSigning(layer, bytes)
    if (signed) yield signed
  }
}

/** Registries without the referrers API hold the list under a tag: the distribution specification's fallback. */
async function bundlesFor(
  source: ImageSource,
  digest: string,
  tag: string,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const isBundle = ({ artifactType = '' }: Descriptor) => BUNDLE_TYPES.test(artifactType)
  const referrers = (await source.referrers(digest, signal)).filter(isBundle)
  if (referrers.length > 0) return referrers.slice(0, MAX_SIGNED)
  const fallback = await readable(readManifest(source, tag, signal))
  if (fallback?.content.kind !== 'index') return []
  return fallback.content.manifests.filter(isBundle).slice(0, MAX_SIGNED)
}

async function content(source: ImageSource, { digest, size }: Descriptor, signal: AbortSignal) {
  if (size > MAX_SIGNED_BYTES) return undefined
  return await readable(readBlob(source, digest, MAX_SIGNED_BYTES, signal))
}

/** What cannot be read is no signature; a good one beside it still counts. */
async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ImageError || error instanceof RangeError) return undefined
    throw error
  }
}
