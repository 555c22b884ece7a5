import { readBlob } from './blob.ts'
import { INSPECT_TIMEOUT_MS, MAX_CONFIG_BYTES, MAX_INDEX_DEPTH, MAX_MANIFESTS_READ } from './bounds.ts'
import { parseConfig } from './config.ts'
import { ImageError, timed } from './errors.ts'
import type { ImageConfig, ImageFacts, Platform } from './facts.ts'
import { type ImageManifest, INDEX_TYPES, isContainerImage, readManifest, type VerifiedManifest } from './manifest.ts'
import type { Descriptor, ImageSource } from './source.ts'

/** What leads to an image in its repository. Where both are given, the digest does, as in every container runtime. */
export type Wanted = { tag?: string; digest?: string }

type VerifiedImage = { digest: string; content: ImageManifest }

/**
 * Reads what the image behind a tag or digest says of itself: its manifest, for the platform where the reference names an index, and its
 * configuration, both verified. No layer is read. An image that is not an index is taken whatever its platform: that is for a check to judge.
 * @throws ImageError ImageNotFound, WrongPlatform, ImageInvalid, ManifestUnreadable, ConfigUnreadable, DigestMismatch; what the source throws
 */
export function inspect(
  source: ImageSource,
  wanted: Wanted,
  platform: Platform,
  signal: AbortSignal,
): Promise<ImageFacts> {
  const { tag, digest } = wanted
  return timed('Reading the image', INSPECT_TIMEOUT_MS, signal, async (until) => {
    const found = await readManifest(source, digest ?? tag ?? 'latest', until)
    if (found) return inspectFound(source, found, wanted, platform, until)
    throw new ImageError(
      'ImageNotFound',
      `There is no image ${nameOf(source, wanted)}: push it, or correct the reference. Mooring looks again by itself.`,
    )
  })
}

/**
 * The same of a manifest that was read already.
 * @param wanted what led to it
 */
export function inspectFound(
  source: ImageSource,
  found: VerifiedManifest,
  { tag }: Wanted,
  platform: Platform,
  signal: AbortSignal,
): Promise<ImageFacts> {
  return timed('Reading the image', INSPECT_TIMEOUT_MS, signal, async (until) => {
    const image = await forPlatform(source, found, platform, until)
    const { config, layers } = image.content
    const pushedAt = await source.pushedAt(image.digest, until)
    return {
      repositoryUri: source.repositoryUri,
      ...(tag === undefined ? {} : { tag }),
      digest: image.digest,
      ...(image.digest === found.digest ? {} : { indexDigest: found.digest }),
      layers,
      sizeBytes: layers.reduce((sum, { size }) => sum + size, 0),
      config: await readConfig(source, config, until),
      ...(pushedAt ? { pushedAt } : {}),
    }
  })
}

async function forPlatform(
  source: ImageSource,
  found: VerifiedManifest,
  platform: Platform,
  signal: AbortSignal,
): Promise<VerifiedImage> {
  let read = 1
  const follow = async ({ digest, content }: VerifiedManifest, depth: number): Promise<VerifiedImage | undefined> => {
    if (content.kind === 'manifest') return image(source, digest, content)
    if (depth >= MAX_INDEX_DEPTH) return undefined
    for (const entry of candidates(content.manifests, platform)) {
      if (++read > MAX_MANIFESTS_READ)
        throw new ImageError(
          'ManifestUnreadable',
          `The image’s index leads through more than ${MAX_MANIFESTS_READ} manifests: push an index that names the image for each platform.`,
        )
      const next = await readManifest(source, entry.digest, signal)
      if (!next)
        throw new ImageError(
          'ImageNotFound',
          `The index of ${source.repositoryUri} names ${entry.digest} for ${named(platform)}, which is not in the repository: push the image again, with all its platforms.`,
        )
      const image = await follow(next, depth + 1)
      if (image) return image
    }
    return undefined
  }
  const chosen = await follow(found, 0)
  if (chosen) return chosen
  throw new ImageError(
    'WrongPlatform',
    `The image has no variant for ${named(platform)}: build it with --platform ${named(platform)}, or choose another instance type.`,
  )
}

/** The images for the platform, that without a variant first, then the indexes that may lead to one. */
function candidates(manifests: Descriptor[], wanted: Platform): Descriptor[] {
  const isIndex = ({ mediaType }: Descriptor) => (INDEX_TYPES as readonly string[]).includes(mediaType)
  const fits = ({ platform }: Descriptor) => platform?.os === wanted.os && platform.architecture === wanted.architecture
  const images = manifests.filter((entry) => !isIndex(entry) && fits(entry))
  const plain = images.filter(({ platform }) => !platform?.variant)
  const indexes = manifests.filter((entry) => isIndex(entry) && (!entry.platform?.os || fits(entry)))
  // One image of a platform is enough: what is wrong with it must not be hidden by the next.
  return [...(plain.length > 0 ? plain : images).slice(0, 1), ...indexes]
}

function image(source: ImageSource, digest: string, content: ImageManifest): VerifiedImage {
  if (isContainerImage(content)) return { digest, content }
  throw new ImageError(
    'ImageInvalid',
    `${source.repositoryUri.slice(0, 120)} holds no container image there, but an artifact (${(content.artifactType ?? content.config.mediaType).slice(0, 80)}): name an image.`,
  )
}

async function readConfig(source: ImageSource, { digest }: Descriptor, signal: AbortSignal): Promise<ImageConfig> {
  try {
    return parseConfig(await readBlob(source, digest, MAX_CONFIG_BYTES, signal))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ImageError(
      'ConfigUnreadable',
      `The image’s configuration is larger than ${MAX_CONFIG_BYTES} bytes: push the image again with a current tool.`,
    )
  }
}

function nameOf({ repositoryUri }: ImageSource, { tag, digest }: Wanted): string {
  return `${repositoryUri.slice(0, 120)}${digest ? `@${digest}` : `:${tag}`}`
}

function named({ os, architecture }: Platform): string {
  return `${os}/${architecture}`
}
