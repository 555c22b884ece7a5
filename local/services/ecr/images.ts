import type { ImageStore, LocalImage } from '../../service.ts'
import { type CheckedDefinition, type ImageDefinition, imageDefinitionSchema } from './image-definition.ts'
import { type Blob, blobOf, layerOf } from './layer.ts'

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'

export type Scan = NonNullable<CheckedDefinition['scan']> & { at: Date }

/** An image, or an index of images. */
export type StoredImage = {
  repository: string
  digest: string
  tags: Set<string>
  manifest: string
  mediaType: string
  sizeBytes: number
  pushedAt: Date
  local: LocalImage
  scan?: Scan
}

export type Push = { repository: string; digest: string; tag: string; mediaType: string; at: Date }

export type Images = ImageStore & {
  /** Pushes it: the same content gives the same digest, and a tag moves to the newest. Answers the digest. */
  register(definition: ImageDefinition): string
  byTag(repository: string, tag: string): StoredImage | undefined
  byDigest(repository: string, digest: string): StoredImage | undefined
  inRepository(repository: string): StoredImage[]
  repositories(): string[]
  blob(digest: string): Blob | undefined
}

/** @param onPush is told of every push, also of one that changes nothing, as EventBridge is */
export function images(now: () => number, onPush: (push: Push) => void = () => {}): Images {
  const stored = new Map<string, StoredImage>()
  const blobs = new Map<string, Blob>()

  const inRepository = (repository: string) => [...stored.values()].filter((image) => image.repository === repository)
  const byTag = (repository: string, tag: string) => inRepository(repository).find((image) => image.tags.has(tag))
  const byDigest = (repository: string, digest: string) => stored.get(`${repository}@${digest}`)
  const put = (blob: Blob): Blob => {
    blobs.set(blob.digest, blob)
    return blob
  }

  /** Keeps a manifest; one that is there already stays as it was pushed first. */
  const store = (definition: CheckedDefinition, manifest: Blob, sizeBytes: number, scanned: boolean): StoredImage => {
    const { repository, command, cwd, environment, port, scan } = definition
    const { digest, mediaType } = manifest
    const image: StoredImage = byDigest(repository, digest) ?? {
      repository,
      digest,
      tags: new Set(),
      manifest: Buffer.from(manifest.bytes).toString('utf8'),
      mediaType,
      sizeBytes,
      pushedAt: new Date(now()),
      local: { repository, digest, command, cwd, environment, ...(port ? { port } : {}) },
    }
    if (scan && scanned) image.scan = { ...scan, at: new Date(now()) }
    stored.set(`${repository}@${digest}`, image)
    return image
  }

  const pushImage = (definition: CheckedDefinition, architecture: string): StoredImage => {
    const { command, cwd, port, environment, labels, user, createdAt, sizeBytes } = definition
    // The command is part of the image's content, so that a changed program is another digest, as it would be in a registry.
    const files = [...definition.layers, { 'opt/program/serve': JSON.stringify({ command, cwd, port }) }]
    const layers = files.map((content) => layerOf(content))
    for (const layer of layers) put(layer)
    const sizes = layers.map(({ bytes }) => bytes.byteLength)
    // What the image is said to have beyond what is there is the base's.
    const rest = Math.max(sizeBytes - sizes.reduce((sum, size) => sum + size, 0), 0)
    const described = layers.map(({ mediaType, digest }, index) => ({
      mediaType,
      digest,
      size: (sizes[index] ?? 0) + (index === 0 ? rest : 0),
    }))
    const config = put(
      blobOf(
        JSON.stringify({
          architecture,
          os: 'linux',
          ...(createdAt ? { created: createdAt } : {}),
          config: {
            // Without a program of its own, the image still says what it starts, as any that SageMaker can start does.
            Entrypoint: definition.entrypoint ?? (command.length > 0 ? command : ['/opt/program/serve']),
            Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
            ExposedPorts: { '8080/tcp': {} },
            Labels: labels,
            ...(user ? { User: user } : {}),
          },
          rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
        }),
        CONFIG_TYPE,
      ),
    )
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.bytes.byteLength },
      layers: described,
    })
    const total = described.reduce((sum, { size }) => sum + size, 0)
    return store(definition, blobOf(manifest, MANIFEST_TYPE), total, true)
  }

  const pushIndex = (definition: CheckedDefinition, architectures: string[]): StoredImage => {
    const pushed = architectures.map((architecture) => ({ architecture, image: pushImage(definition, architecture) }))
    const manifests = pushed.map(({ architecture, image: { mediaType, digest, manifest } }) => ({
      mediaType,
      digest,
      size: Buffer.byteLength(manifest),
      platform: { os: 'linux', architecture },
    }))
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests })
    const size = pushed.reduce((sum, { image }) => sum + image.sizeBytes, 0)
    return store(definition, blobOf(index, INDEX_TYPE), size, false)
  }

  return {
    inRepository,
    byTag,
    byDigest,
    repositories: () => [...new Set([...stored.values()].map((image) => image.repository))],
    blob: (digest) => blobs.get(digest),
    register(given) {
      const definition = imageDefinitionSchema.parse(given)
      const { repository, tag, architecture, architectures } = definition
      const image = architectures ? pushIndex(definition, architectures) : pushImage(definition, architecture)
      byTag(repository, tag)?.tags.delete(tag)
      image.tags.add(tag)
      const { digest, mediaType } = image
      onPush({ repository, digest, tag, mediaType, at: new Date(now()) })
      return digest
    },
    find(imageUri) {
      const match = /^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\/([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(
        imageUri,
      )
      if (!match?.[1]) return undefined
      const [, repository, tag, digest] = match
      const image = digest ? byDigest(repository, digest) : byTag(repository, tag ?? 'latest')
      return image?.local
    },
  }
}
