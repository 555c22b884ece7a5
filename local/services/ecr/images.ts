import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ImageStore, LocalImage } from '../../service.ts'

/** An image of the local registry: what a registry knows of it, and the process that stands for its container. */
export const imageDefinitionSchema = z
  .object({
    repository: z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,255}$/),
    tag: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/),
    /** Program and first arguments; SageMaker's `serve` follows. Empty: an instance that is healthy at once, without a process. */
    command: z.array(z.string()),
    /** With an empty command: where requests are answered by a server that runs already, on loopback. */
    port: z.int().min(1).max(65_535).optional(),
    cwd: z.string().default('/'),
    environment: z.record(z.string(), z.string()).default({}),
    entrypoint: z.array(z.string()).optional(),
    labels: z.record(z.string(), z.string()).default({}),
    architecture: z.enum(['amd64', 'arm64']).default('amd64'),
    /** Compressed, in bytes: what the registry says, not what is there. */
    sizeBytes: z.int().min(0).default(50_000_000),
  })
  .strict()

export type ImageDefinition = z.input<typeof imageDefinitionSchema>

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip'

export type StoredImage = {
  repository: string
  digest: string
  tags: Set<string>
  manifest: string
  mediaType: string
  sizeBytes: number
  pushedAt: Date
  local: LocalImage
}

export type Images = ImageStore & {
  /** Pushes it: the same content gives the same digest, and a tag moves to the newest. Answers the digest. */
  register(definition: ImageDefinition): string
  byTag(repository: string, tag: string): StoredImage | undefined
  byDigest(repository: string, digest: string): StoredImage | undefined
  inRepository(repository: string): StoredImage[]
  repositories(): string[]
  blob(digest: string): { content: string; mediaType: string } | undefined
}

export function images(now: () => number): Images {
  const stored = new Map<string, StoredImage>()
  const blobs = new Map<string, { content: string; mediaType: string }>()

  const inRepository = (repository: string) => [...stored.values()].filter((image) => image.repository === repository)
  const byTag = (repository: string, tag: string) => inRepository(repository).find((image) => image.tags.has(tag))
  const byDigest = (repository: string, digest: string) => stored.get(`${repository}@${digest}`)

  return {
    inRepository,
    byTag,
    byDigest,
    repositories: () => [...new Set([...stored.values()].map((image) => image.repository))],
    blob: (digest) => blobs.get(digest),
    register(given) {
      const definition = imageDefinitionSchema.parse(given)
      const { repository, tag, command, port, cwd, environment, labels, architecture, sizeBytes } = definition
      // The command is part of the layer's content, so that a changed program is another digest, as it would be in a registry.
      const layer = JSON.stringify({ command, cwd, port })
      const config = JSON.stringify({
        architecture,
        os: 'linux',
        config: {
          // Without a program of its own, an image would have to hold one called serve, and has no files.
          Entrypoint: definition.entrypoint ?? (command.length > 0 ? command : ['/opt/program/serve']),
          Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
          ExposedPorts: { '8080/tcp': {} },
          Labels: labels,
        },
        rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
      })
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: { mediaType: CONFIG_TYPE, digest: sha256(config), size: config.length },
        layers: [{ mediaType: LAYER_TYPE, digest: sha256(layer), size: sizeBytes }],
      })
      const digest = sha256(manifest)
      blobs.set(sha256(config), { content: config, mediaType: CONFIG_TYPE })
      blobs.set(sha256(layer), { content: layer, mediaType: LAYER_TYPE })
      byTag(repository, tag)?.tags.delete(tag)
      const image: StoredImage = byDigest(repository, digest) ?? {
        repository,
        digest,
        tags: new Set(),
        manifest,
        mediaType: MANIFEST_TYPE,
        sizeBytes,
        pushedAt: new Date(now()),
        local: { repository, digest, command, cwd, environment, ...(port ? { port } : {}) },
      }
      image.tags.add(tag)
      stored.set(`${repository}@${digest}`, image)
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

export function sha256(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
