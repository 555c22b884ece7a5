import type {
  BatchGetImageCommandInput,
  BatchGetImageCommandOutput,
  DescribeImagesCommandInput,
  DescribeImagesCommandOutput,
  GetDownloadUrlForLayerCommandInput,
  GetDownloadUrlForLayerCommandOutput,
} from '@aws-sdk/client-ecr'
import type { Reason } from '../api/reasons.ts'
import { type Operation, within } from './call.ts'
import { isNoRepository } from './errors.ts'

export type RegistryApi = {
  batchGetImage: Operation<BatchGetImageCommandInput, BatchGetImageCommandOutput>
  describeImages: Operation<DescribeImagesCommandInput, DescribeImagesCommandOutput>
  getDownloadUrlForLayer: Operation<GetDownloadUrlForLayerCommandInput, GetDownloadUrlForLayerCommandOutput>
}

export type ImageReference = {
  registryId: string
  region: string
  /** Without tag or digest. */
  repositoryUri: string
  repository: string
  tag?: string
  digest?: string
}

export type Manifest = { digest: string; configDigest: string; sizeBytes: number; layers: number }

export type ImageConfig = {
  os?: string
  architecture?: string
  entrypoint: string[]
  cmd: string[]
  exposedPorts: string[]
  createdAt?: string
}

/** Why an image cannot be used, in a sentence with the remedy. */
export class ImageError extends Error {
  readonly reason: Reason
  constructor(reason: Reason, message: string) {
    super(message)
    this.name = 'ImageError'
    this.reason = reason
  }
}

const MANIFESTS = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']
const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']
/** SageMaker's instances, the Graviton ones aside. */
const PLATFORM = { os: 'linux', architecture: 'amd64' } as const
/** Configurations are a few KB; a hostile one must not fill the memory. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024

/** Takes `<account>.dkr.ecr.<region>.amazonaws.com[.cn]/<repository>` with tag or digest apart; undefined for anything else. */
export function parseReference(image: string): ImageReference | undefined {
  const parts =
    /^((\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([a-z0-9._/-]+))(?::([\w][\w.-]{0,127})|@(sha256:[a-f0-9]{64}))$/.exec(
      image,
    )
  if (!parts) return undefined
  const [, repositoryUri = '', registryId = '', region = '', repository = '', tag, digest] = parts
  return { registryId, region, repositoryUri, repository, ...(tag ? { tag } : {}), ...(digest ? { digest } : {}) }
}

/**
 * Amazon ECR, by its own API.
 * @param download reads a presigned URL
 */
export function registry(
  api: RegistryApi,
  download: (url: string, init: { signal: AbortSignal }) => Promise<Response>,
) {
  /** One manifest by tag or digest, index or image. */
  const manifest = async (
    { registryId, repository }: ImageReference,
    imageId: { imageTag: string } | { imageDigest: string },
    signal: AbortSignal,
  ): Promise<{ digest: string; body: RawManifest }> => {
    const what = 'imageTag' in imageId ? `${repository}:${imageId.imageTag}` : `${repository}@${imageId.imageDigest}`
    let answer: BatchGetImageCommandOutput
    try {
      answer = await api.batchGetImage(
        {
          registryId,
          repositoryName: repository,
          imageIds: [imageId],
          acceptedMediaTypes: [...MANIFESTS, ...INDEXES],
        },
        within(signal),
      )
    } catch (error) {
      if (!isNoRepository(error)) throw error
      throw new ImageError(
        'RepositoryNotFound',
        `There is no repository ${repository} in account ${registryId}: create it and push the image, or correct spec.image.`,
      )
    }
    const found = answer.images?.[0]
    if (!found?.imageManifest)
      throw new ImageError(
        'ImageNotFound',
        `There is no image ${what} in account ${registryId}: push it, or correct spec.image. Mooring looks again by itself.`,
      )
    return { digest: found.imageId?.imageDigest ?? '', body: parse(found.imageManifest, what) }
  }

  return {
    /**
     * The image behind a reference, for linux/amd64 where there are several. One call, or two for an index.
     * @throws ImageError when it is absent or for other platforms
     */
    async resolve(reference: ImageReference, signal: AbortSignal): Promise<Manifest> {
      const { tag, digest } = reference
      let seen = await manifest(reference, tag ? { imageTag: tag } : { imageDigest: String(digest) }, signal)
      if (seen.body.manifests) {
        const entry = seen.body.manifests.find(
          ({ platform }) => platform?.os === PLATFORM.os && platform.architecture === PLATFORM.architecture,
        )
        if (!entry?.digest)
          throw new ImageError(
            'WrongPlatform',
            'The image has no variant for linux/amd64, which SageMaker runs: build it with --platform linux/amd64.',
          )
        seen = await manifest(reference, { imageDigest: entry.digest }, signal)
      }
      const { config, layers = [] } = seen.body
      if (!config?.digest) throw new ImageError('ManifestUnreadable', 'The image’s manifest names no configuration.')
      const sizeBytes = layers.reduce((sum, layer) => sum + (layer.size ?? 0), 0)
      return { digest: seen.digest, configDigest: config.digest, sizeBytes, layers: layers.length }
    },

    /** What the image says of itself. Two requests. */
    async config(reference: ImageReference, configDigest: string, signal: AbortSignal): Promise<ImageConfig> {
      const { registryId, repository } = reference
      const options = within(signal)
      const { downloadUrl } = await api.getDownloadUrlForLayer(
        { registryId, repositoryName: repository, layerDigest: configDigest },
        options,
      )
      const response = await download(String(downloadUrl), { signal: options.abortSignal })
      if (!response.ok)
        throw new Error(`downloading the configuration of ${repository}: the registry answered ${response.status}`)
      const body = new Uint8Array(await response.arrayBuffer())
      if (body.byteLength > MAX_CONFIG_BYTES)
        throw new ImageError('ConfigUnreadable', 'The image’s configuration is larger than 4 MiB.')
      const raw = JSON.parse(new TextDecoder().decode(body)) as RawConfig
      return {
        ...(raw.os ? { os: raw.os } : {}),
        ...(raw.architecture ? { architecture: raw.architecture } : {}),
        ...(raw.created && !Number.isNaN(Date.parse(raw.created))
          ? { createdAt: new Date(raw.created).toISOString() }
          : {}),
        entrypoint: raw.config?.Entrypoint ?? [],
        cmd: raw.config?.Cmd ?? [],
        exposedPorts: Object.keys(raw.config?.ExposedPorts ?? {}),
      }
    },

    /** When the registry received the image. */
    async pushedAt(reference: ImageReference, digest: string, signal: AbortSignal): Promise<Date | undefined> {
      const { registryId, repository } = reference
      const { imageDetails } = await api.describeImages(
        { registryId, repositoryName: repository, imageIds: [{ imageDigest: digest }] },
        within(signal),
      )
      return imageDetails?.[0]?.imagePushedAt
    },
  }
}

export type ImageRegistry = ReturnType<typeof registry>

type RawManifest = {
  config?: { digest?: string }
  layers?: { size?: number }[]
  manifests?: { digest?: string; platform?: { os?: string; architecture?: string } }[]
}
type RawConfig = {
  os?: string
  architecture?: string
  created?: string
  config?: { Entrypoint?: string[] | null; Cmd?: string[] | null; ExposedPorts?: Record<string, unknown> | null }
}

function parse(text: string, what: string): RawManifest {
  try {
    return JSON.parse(text) as RawManifest
  } catch {
    throw new ImageError('ManifestUnreadable', `The manifest of ${what} is not JSON.`)
  }
}
