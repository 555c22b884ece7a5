import { digestOf } from '../../../operator/images/digest.ts'
import { ImageError } from '../../../operator/images/errors.ts'
import type { Descriptor, ImageSource } from '../../../operator/images/source.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** A repository in memory: what is put in comes out, whatever it is. */
export type MemorySource = ImageSource & {
  /** Answers the digest. */
  putManifest(content: unknown, tag?: string, mediaType?: string): string
  putBlob(content: unknown): Descriptor
  /** Exchanges what lies under a digest. */
  exchange(digest: string, content: unknown): void
}

export function memorySource(repositoryUri = 'registry.example/team/sam'): MemorySource {
  const manifests = new Map<string, { mediaType: string; bytes: Uint8Array }>()
  const blobs = new Map<string, Uint8Array>()
  return {
    repositoryUri,
    putManifest(content, tag, mediaType = OCI_MANIFEST) {
      const bytes = bytesOf(content)
      const digest = digestOf(bytes)
      for (const key of tag ? [digest, tag] : [digest]) manifests.set(key, { mediaType, bytes })
      return digest
    },
    putBlob(content) {
      const bytes = bytesOf(content)
      const digest = digestOf(bytes)
      blobs.set(digest, bytes)
      return { mediaType: OCI_CONFIG, digest, size: bytes.byteLength }
    },
    exchange(digest, content) {
      const bytes = bytesOf(content)
      const manifest = manifests.get(digest)
      if (manifest) manifests.set(digest, { ...manifest, bytes })
      else blobs.set(digest, bytes)
    },
    manifest: async (tagOrDigest) => manifests.get(tagOrDigest),
    async blob(digest) {
      const bytes = blobs.get(digest)
      if (!bytes) throw new ImageError('ImageNotFound', `there is no blob ${digest}`)
      return new Blob([new Uint8Array(bytes)]).stream()
    },
    tags: async () => [...manifests.keys()].filter((key) => !key.includes(':')),
    referrers: async () => [],
    pushedAt: async () => undefined,
    scanFindings: async () => undefined,
  }
}

/** The configuration of an image for linux, as tools write it. */
export function configFor(architecture = 'amd64', config: object = {}): object {
  return { os: 'linux', architecture, config, rootfs: { type: 'layers', diff_ids: [] } }
}

/** A manifest of an image with that configuration and these sizes of layers. */
export function manifestOf(config: Descriptor, sizes: number[] = []): object {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: sizes.map((size) => ({ mediaType: OCI_LAYER, digest: `sha256:${'1'.repeat(64)}`, size })),
  }
}

function bytesOf(content: unknown): Uint8Array {
  if (content instanceof Uint8Array) return content
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
}
