import type {
  BatchGetImageCommandInput,
  BatchGetImageCommandOutput,
  DescribeImageScanFindingsCommandInput,
  DescribeImageScanFindingsCommandOutput,
  DescribeImagesCommandInput,
  DescribeImagesCommandOutput,
  GetDownloadUrlForLayerCommandInput,
  GetDownloadUrlForLayerCommandOutput,
  ListImagesCommandInput,
  ListImagesCommandOutput,
} from '@aws-sdk/client-ecr'
import { MAX_TAGS } from '../images/bounds.ts'
import { ImageError } from '../images/errors.ts'
import type { ImageReference } from '../images/reference.ts'
import { type ImageSource, type ScanFindings, SEVERITIES } from '../images/source.ts'
import { type Operation, within } from './call.ts'
import { isNoImage, isNoLayer, isNoRepository, isNoScan } from './errors.ts'

export type EcrApi = {
  batchGetImage: Operation<BatchGetImageCommandInput, BatchGetImageCommandOutput>
  describeImages: Operation<DescribeImagesCommandInput, DescribeImagesCommandOutput>
  describeImageScanFindings: Operation<DescribeImageScanFindingsCommandInput, DescribeImageScanFindingsCommandOutput>
  getDownloadUrlForLayer: Operation<GetDownloadUrlForLayerCommandInput, GetDownloadUrlForLayerCommandOutput>
  listImages: Operation<ListImagesCommandInput, ListImagesCommandOutput>
}

/** Reads a presigned URL. */
export type Download = (url: string, init: { signal: AbortSignal }) => Promise<Response>

const MEDIA_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
/** ECR's maximum. */
const PAGE = 1000

/**
 * A repository of Amazon ECR, by its own API.
 * @param reference one whose host is ECR's
 */
export function ecrSource(api: EcrApi, reference: ImageReference, download: Download): ImageSource {
  const { repository, repositoryUri, ecr } = reference
  const registryId = ecr?.registryId
  const where = { registryId, repositoryName: repository }
  const asked = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await call()
    } catch (error) {
      if (!isNoRepository(error)) throw error
      throw new ImageError(
        'RepositoryNotFound',
        `There is no repository ${repository} in account ${registryId}: create it and push the image, or correct spec.image.`,
      )
    }
  }
  const byTagOrDigest = (name: string) => (name.startsWith('sha256:') ? { imageDigest: name } : { imageTag: name })

  return {
    repositoryUri,

    async manifest(tagOrDigest, signal) {
      const { images = [] } = await asked(() =>
        api.batchGetImage(
          { ...where, imageIds: [byTagOrDigest(tagOrDigest)], acceptedMediaTypes: MEDIA_TYPES },
          within(signal),
        ),
      )
      const [found] = images
      if (!found?.imageManifest) return undefined
      return {
        mediaType: found.imageManifestMediaType ?? '',
        bytes: new TextEncoder().encode(found.imageManifest),
      }
    },

    async blob(digest, signal) {
      const options = within(signal)
      const { downloadUrl } = await asked(() =>
        api.getDownloadUrlForLayer({ ...where, layerDigest: digest }, options).catch((error: unknown) => {
          if (!isNoLayer(error)) throw error
          throw new ImageError('ImageNotFound', `The repository ${repository} lacks ${digest}: push the image again.`)
        }),
      )
      const response = await download(String(downloadUrl), { signal })
      if (response.ok && response.body) return response.body
      await response.body?.cancel()
      throw new Error(`downloading from ${repository}: the registry answered ${response.status}`)
    },

    async tags(signal) {
      const tags: string[] = []
      let token: string | undefined
      do {
        const { imageIds = [], nextToken } = await asked(() =>
          api.listImages(
            {
              ...where,
              maxResults: PAGE,
              filter: { tagStatus: 'TAGGED' },
              ...(token === undefined ? {} : { nextToken: token }),
            },
            within(signal),
          ),
        )
        tags.push(...imageIds.flatMap(({ imageTag }) => imageTag ?? []))
        token = nextToken
      } while (token !== undefined && tags.length < MAX_TAGS)
      return tags.slice(0, MAX_TAGS)
    },

    // ECR keeps signatures under tags.
    referrers: async () => [],

    async pushedAt(digest, signal) {
      const { imageDetails } = await asked(() =>
        api.describeImages({ ...where, imageIds: [{ imageDigest: digest }] }, within(signal)),
      ).catch((error: unknown) => {
        if (isNoImage(error)) return { imageDetails: undefined }
        throw error
      })
      return imageDetails?.[0]?.imagePushedAt
    },

    async scanFindings(digest, signal): Promise<ScanFindings | undefined> {
      try {
        const { imageScanStatus, imageScanFindings } = await asked(() =>
          api.describeImageScanFindings({ ...where, imageId: { imageDigest: digest }, maxResults: 1 }, within(signal)),
        )
        const scannedAt = imageScanFindings?.imageScanCompletedAt
        const counts = imageScanFindings?.findingSeverityCounts ?? {}
        return {
          status: imageScanStatus?.status ?? 'UNKNOWN',
          ...(scannedAt ? { scannedAt } : {}),
          counts: Object.fromEntries(
            SEVERITIES.flatMap((severity) => (counts[severity] === undefined ? [] : [[severity, counts[severity]]])),
          ),
        }
      } catch (error) {
        if (isNoScan(error)) return undefined
        throw error
      }
    },
  }
}
