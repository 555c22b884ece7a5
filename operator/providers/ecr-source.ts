import type {
  BatchGetImageCommandInput,
  BatchGetImageCommandOutput,
  DescribeImageScanFindingsCommandInput,
  DescribeImageScanFindingsCommandOutput,
  DescribeImagesCommandInput,
  DescribeImagesCommandOutput,
  GetDownloadUrlForLayerCommandInput,
  GetDownloadUrlForLayerCommandOutput,
  ImageFailure,
  ImageReferrer,
  ListImageReferrersCommandInput,
  ListImageReferrersCommandOutput,
  ListImagesCommandInput,
  ListImagesCommandOutput,
} from '@aws-sdk/client-ecr'
import { MAX_PAGES, MAX_REFERRERS, MAX_TAGS } from '../images/bounds.ts'
import { ImageError, RegistryUnavailable } from '../images/errors.ts'
import { INDEX_TYPES, MANIFEST_TYPES } from '../images/manifest.ts'
import type { Fetch } from '../images/oci/fetch.ts'
import { referrersByTag } from '../images/oci/referrers.ts'
import { drop, requests, TIMEOUTS } from '../images/oci/request.ts'
import type { ImageReference } from '../images/reference.ts'
import { type Descriptor, type ImageSource, type ScanFindings, SEVERITIES } from '../images/source.ts'
import { type Operation, within } from './call.ts'
import { isNoImage, isNoLayer, isNoRepository, isNoScan } from './errors.ts'

export type EcrApi = {
  batchGetImage: Operation<BatchGetImageCommandInput, BatchGetImageCommandOutput>
  describeImages: Operation<DescribeImagesCommandInput, DescribeImagesCommandOutput>
  describeImageScanFindings: Operation<DescribeImageScanFindingsCommandInput, DescribeImageScanFindingsCommandOutput>
  getDownloadUrlForLayer: Operation<GetDownloadUrlForLayerCommandInput, GetDownloadUrlForLayerCommandOutput>
  listImageReferrers: Operation<ListImageReferrersCommandInput, ListImageReferrersCommandOutput>
  listImages: Operation<ListImagesCommandInput, ListImagesCommandOutput>
}

/** ECR's maximum, of tags. */
const PAGE = 1000
/** And of referrers. */
const REFERRERS_PAGE = 50

/**
 * A repository of Amazon ECR, by its own API.
 * @param reference one whose host is ECR's
 * @param fetch reads presigned URLs, as ECR gives them for blobs
 */
export function ecrSource(api: EcrApi, reference: ImageReference, fetch: Fetch, now: () => number): ImageSource {
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

  const source: ImageSource = {
    repositoryUri,

    async manifest(tagOrDigest, signal) {
      const { images = [], failures = [] } = await asked(() =>
        api.batchGetImage(
          {
            ...where,
            imageIds: [byTagOrDigest(tagOrDigest)],
            acceptedMediaTypes: [...MANIFEST_TYPES, ...INDEX_TYPES],
          },
          within(signal),
        ),
      )
      const [found] = images
      if (!found?.imageManifest) return absent(repository, failures[0])
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
      const url = new URL(String(downloadUrl))
      const http = requests({ name: repositoryUri, origin: url.origin }, fetch, now, TIMEOUTS)
      const answer = await http.send({ url, headers: {}, signal })
      const { status } = answer.response
      if (status === 200) return http.stream(answer)
      await drop(answer.response)
      // The address itself is a password for a time.
      throw new RegistryUnavailable(`The registry answered ${status} to the download of a part of ${repositoryUri}.`)
    },

    async tags(signal) {
      const tags: string[] = []
      let nextToken: string | undefined
      for (let page = 0; page < MAX_PAGES && tags.length < MAX_TAGS; page++) {
        const filter = { tagStatus: 'TAGGED' as const }
        const given = { ...where, maxResults: PAGE, filter, ...(nextToken === undefined ? {} : { nextToken }) }
        const answer = await asked(() => api.listImages(given, within(signal)))
        tags.push(...(answer.imageIds ?? []).flatMap(({ imageTag }) => imageTag ?? []))
        nextToken = answer.nextToken
        if (nextToken === undefined) break
      }
      return tags.slice(0, MAX_TAGS)
    },

    async referrers(digest, signal) {
      const found: Descriptor[] = []
      let nextToken: string | undefined
      for (let page = 0; page < MAX_PAGES && found.length < MAX_REFERRERS; page++) {
        const subjectId = { imageDigest: digest }
        const given = { ...where, subjectId, maxResults: REFERRERS_PAGE, ...(nextToken ? { nextToken } : {}) }
        const answer = await asked(() => api.listImageReferrers(given, within(signal)))
        found.push(...(answer.referrers ?? []).map(referrer))
        nextToken = answer.nextToken
        if (nextToken === undefined) break
      }
      // Clients that did not ask for the API have left them under a tag.
      return found.length > 0 ? found.slice(0, MAX_REFERRERS) : referrersByTag(source, digest, signal)
    },

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
        return {
          status: imageScanStatus?.status ?? 'UNKNOWN',
          ...(scannedAt ? { scannedAt } : {}),
          counts: countsOf(imageScanFindings?.findingSeverityCounts ?? {}),
        }
      } catch (error) {
        if (isNoScan(error) || isNoImage(error)) return undefined
        throw error
      }
    },
  }
  return source
}

/** Undefined where there is no such image. @throws where ECR has it, or may have it, and does not give it */
function absent(repository: string, failure: ImageFailure | undefined): undefined {
  const { failureCode = 'ImageNotFound' } = failure ?? {}
  if (/NotFound|Invalid|DoesNotMatch/.test(failureCode)) return undefined
  if (/Unavailable|TooMany/.test(failureCode))
    throw new RegistryUnavailable(`The registry behind ${repository} does not answer (${failureCode}).`)
  throw new ImageError(
    'RegistryDenied',
    `Amazon ECR does not give the image of ${repository.slice(0, 120)} out (${failureCode.slice(0, 60)}): look at the repository’s KMS key, or at the pull-through cache’s credentials.`,
  )
}

function referrer({ digest, mediaType, artifactType, size, annotations }: ImageReferrer): Descriptor {
  return {
    mediaType: mediaType ?? '',
    digest: digest ?? '',
    size: size ?? 0,
    ...(artifactType ? { artifactType } : {}),
    ...(annotations ? { annotations } : {}),
  }
}

/** Amazon Inspector, of enhanced scans, says UNTRIAGED where basic ones say UNDEFINED. */
function countsOf(given: Partial<Record<string, number>>): ScanFindings['counts'] {
  const counts: typeof given = { ...given, UNDEFINED: (given.UNDEFINED ?? 0) + (given.UNTRIAGED ?? 0) }
  return Object.fromEntries(SEVERITIES.flatMap((severity) => (counts[severity] ? [[severity, counts[severity]]] : [])))
}
