import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blobOf, pushBlob, pushManifest, type Target } from '../../../oci-images.ts'

/** A repository as cosign left it: see fixtures/cosign/README.md. */
export type Fixture = {
  publicKey: string
  tags: Record<string, string>
  /** By digest; what another refers to comes after it. */
  manifests: Record<string, { mediaType: string; base64: string }>
  blobs: Record<string, string>
}

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'cosign')

export function fixture(name: string): Fixture {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Fixture
}

/** Pushes it to a registry as it was. */
export async function pushFixture(
  target: Target,
  repository: string,
  { tags, manifests, blobs }: Fixture,
): Promise<void> {
  for (const base64 of Object.values(blobs)) await pushBlob(target, repository, blobOf(Buffer.from(base64, 'base64')))
  const isIndex = (mediaType: string) => mediaType.includes('index')
  // A registry takes an index when all that it names is there.
  for (const index of [false, true])
    for (const [digest, { mediaType, base64 }] of Object.entries(manifests)) {
      if (isIndex(mediaType) !== index) continue
      const references = [digest, ...Object.keys(tags).filter((tag) => tags[tag] === digest)]
      for (const reference of references)
        await pushManifest(target, repository, blobOf(Buffer.from(base64, 'base64'), mediaType), reference)
    }
}
