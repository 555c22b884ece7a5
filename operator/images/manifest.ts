import { z } from 'zod'
import { MAX_INDEX_ENTRIES, MAX_LAYER_BYTES, MAX_LAYERS, MAX_MANIFEST_BYTES } from './bounds.ts'
import { DIGEST, digestOf } from './digest.ts'
import { ImageError } from './errors.ts'
import { parseJson } from './json.ts'
import type { Descriptor, ImageSource, RawManifest } from './source.ts'

export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const
export const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const
const IMAGE_CONFIGS = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  // Of Docker before 1.11.
  'application/octet-stream',
]

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md; Docker's version 2, schema 2 has the same members. */
export type ImageManifest = {
  kind: 'manifest'
  config: Descriptor
  layers: Descriptor[]
  artifactType?: string
  annotations?: Record<string, string>
}
/** https://github.com/opencontainers/image-spec/blob/main/image-index.md; Docker's manifest list has the same members. */
export type ImageIndex = { kind: 'index'; manifests: Descriptor[] }

/** A manifest whose bytes are those of its digest. */
export type VerifiedManifest = { digest: string; content: ImageManifest | ImageIndex }

const annotations = z.record(z.string().max(4096), z.string()).nullish()
const platform = z
  .object({ os: z.string().nullish(), architecture: z.string().nullish(), variant: z.string().nullish() })
  .nullish()
const descriptor = z
  .object({
    mediaType: z.string().max(255),
    digest: z.string().regex(DIGEST, 'is not a sha256 digest'),
    size: z.int().min(0).max(MAX_LAYER_BYTES),
    annotations,
    artifactType: z.string().max(255).nullish(),
    platform,
  })
  .transform((given) => withoutNulls(given) as Descriptor)
const imageManifest = z.object({
  mediaType: z.enum(MANIFEST_TYPES).optional(),
  config: descriptor,
  layers: z.array(descriptor).max(MAX_LAYERS),
  artifactType: z.string().max(255).nullish(),
  annotations,
})
const imageIndex = z.object({
  mediaType: z.enum(INDEX_TYPES).optional(),
  manifests: z.array(descriptor).max(MAX_INDEX_ENTRIES),
})
const anyManifest = z.looseObject({ schemaVersion: z.literal(2) })

/**
 * Reads a manifest by tag or digest, and verifies it: against the digest where one is asked for. Undefined where there is none.
 * @throws ImageError DigestMismatch, ManifestUnreadable; what the source throws
 */
export async function readManifest(
  source: ImageSource,
  tagOrDigest: string,
  signal: AbortSignal,
): Promise<VerifiedManifest | undefined> {
  const raw = await source.manifest(tagOrDigest, signal)
  if (!raw) return undefined
  const digest = digestOf(raw.bytes)
  if (DIGEST.test(tagOrDigest) && digest !== tagOrDigest)
    throw new ImageError(
      'DigestMismatch',
      `The registry sent another manifest than ${tagOrDigest}: its content has the digest ${digest}. Look at the registry, or at a proxy before it.`,
    )
  return { digest, content: parseManifest(raw) }
}

/**
 * Takes a manifest apart: that of an image or artifact, or an index.
 * @throws ImageError ManifestUnreadable for anything else
 */
export function parseManifest({ mediaType, bytes }: RawManifest): ImageManifest | ImageIndex {
  if (bytes.byteLength > MAX_MANIFEST_BYTES) throw unreadable(`it is larger than ${MAX_MANIFEST_BYTES} bytes`)
  const json = parsed(bytes)
  if (/distribution\.manifest\.v1\+/.test(mediaType) || json?.schemaVersion === 1)
    throw new ImageError(
      'ManifestUnreadable',
      'The image has a manifest of Docker’s schema 1, which registries gave up: build and push it with a current tool.',
    )
  const given = check(anyManifest, json)
  const isIndex = given.manifests !== undefined
  // One document that is an image to one reader and an index to another: CVE-2021-41190.
  if (isIndex && (given.config !== undefined || given.layers !== undefined))
    throw unreadable('it is an index and an image in one')
  if (isIndex) return { kind: 'index', manifests: check(imageIndex, given).manifests }
  const { config, layers, artifactType, annotations: notes } = check(imageManifest, given)
  return {
    kind: 'manifest',
    config,
    layers,
    ...(artifactType ? { artifactType } : {}),
    ...(notes ? { annotations: notes } : {}),
  }
}

/** Whether it is a container image: a registry also holds charts, signatures, models. */
export function isContainerImage({ config }: ImageManifest): boolean {
  return IMAGE_CONFIGS.includes(config.mediaType)
}

function parsed(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    return parseJson(bytes) as Record<string, unknown>
  } catch (error) {
    throw unreadable((error as SyntaxError).message)
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  throw unreadable(
    `${issue?.path.join('.').slice(0, 80) || 'the document'}: ${issue?.message ?? 'is not as it must be'}`,
  )
}

function unreadable(why: string): ImageError {
  return new ImageError(
    'ManifestUnreadable',
    `The image’s manifest in the registry cannot be read: ${why.slice(0, 160)}. Push the image again with a current tool.`,
  )
}

/** Go's tools write null for what is absent. */
function withoutNulls(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([name, member]) => [name, typeof member === 'object' ? withoutNulls(member) : member]),
  )
}
