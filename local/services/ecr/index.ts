import { ApiError, type Call, type JsonObject, type Service } from '../../service.ts'
import type { Images, StoredImage } from './images.ts'

type ImageIdentifier = { imageDigest?: string; imageTag?: string }
type ListInput = { maxResults?: number; nextToken?: string; filter?: { tagStatus?: 'TAGGED' | 'UNTAGGED' | 'ANY' } }

type Referring = { subject?: { digest: string }; artifactType?: string; annotations?: Record<string, string> }

/** Of ListImages, without and with another wish. */
const DEFAULT_PAGE = 100
const MAX_PAGE = 1000

/** ECR, as far as a reader of images needs it. Images come in by `npm run local -- --images` or `POST /_local/images`. */
export function ecrService(images: Images, baseUrl: () => string): Service {
  const repositoryOf = (call: Call): string => {
    const name = call.input.repositoryName as string
    if (images.repositories().includes(name)) return name
    throw new ApiError(
      'RepositoryNotFoundException',
      `The repository with name '${name}' does not exist in the registry with id '${registryId(call)}'`,
    )
  }
  const registryId = (call: Call) => (call.input.registryId as string | undefined) ?? call.accountId
  const find = (repository: string, id: ImageIdentifier): StoredImage | undefined =>
    id.imageDigest ? images.byDigest(repository, id.imageDigest) : images.byTag(repository, id.imageTag ?? '')

  return {
    name: 'ecr',
    operations: {
      BatchGetImage(call) {
        const repositoryName = repositoryOf(call)
        const found: JsonObject[] = []
        const failures: JsonObject[] = []
        for (const imageId of (call.input.imageIds as ImageIdentifier[]) ?? []) {
          const image = find(repositoryName, imageId)
          if (!image) {
            failures.push({ imageId, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' })
            continue
          }
          found.push({
            registryId: registryId(call),
            repositoryName,
            imageId: { imageDigest: image.digest, ...(imageId.imageTag ? { imageTag: imageId.imageTag } : {}) },
            imageManifest: image.manifest,
            imageManifestMediaType: image.mediaType,
          })
        }
        return { images: found, failures }
      },
      DescribeImages(call) {
        const repositoryName = repositoryOf(call)
        const ids = call.input.imageIds as ImageIdentifier[] | undefined
        const wanted = ids?.map((id) => {
          const image = find(repositoryName, id)
          if (image) return image
          throw new ApiError(
            'ImageNotFoundException',
            `The image with imageId {${named(id)}} does not exist within the repository with name '${repositoryName}' in the registry with id '${registryId(call)}'`,
          )
        })
        return {
          imageDetails: (wanted ?? images.inRepository(repositoryName)).map((image) => ({
            registryId: registryId(call),
            repositoryName,
            imageDigest: image.digest,
            imageTags: [...image.tags],
            imageSizeInBytes: image.sizeBytes,
            imagePushedAt: image.pushedAt,
            imageManifestMediaType: image.mediaType,
          })),
        }
      },
      ListImages(call) {
        const repositoryName = repositoryOf(call)
        const { maxResults = DEFAULT_PAGE, nextToken, filter } = call.input as ListInput
        if (maxResults < 1 || maxResults > MAX_PAGE)
          throw new ApiError(
            'InvalidParameterException',
            `Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value between 1 and ${MAX_PAGE}'`,
          )
        const status = filter?.tagStatus ?? 'ANY'
        const ids = images.inRepository(repositoryName).flatMap(({ digest, tags }) => {
          const tagged = [...tags].map((imageTag) => ({ imageDigest: digest, imageTag }))
          if (status === 'TAGGED' || (status === 'ANY' && tagged.length > 0)) return tagged
          return tagged.length === 0 ? [{ imageDigest: digest }] : []
        })
        const from = nextToken ? Number(nextToken) : 0
        if (!Number.isInteger(from)) throw new ApiError('InvalidParameterException', 'Invalid pagination token')
        const end = from + maxResults
        return { imageIds: ids.slice(from, end), ...(end < ids.length ? { nextToken: String(end) } : {}) }
      },
      DescribeImageScanFindings(call) {
        const repositoryName = repositoryOf(call)
        const id = call.input.imageId as ImageIdentifier
        const image = find(repositoryName, id)
        const where = `in the repository with name '${repositoryName}' in the registry with id '${registryId(call)}'`
        if (!image)
          throw new ApiError('ImageNotFoundException', `The image with imageId {${named(id)}} does not exist ${where}`)
        const { scan } = image
        if (!scan)
          throw new ApiError(
            'ScanNotFoundException',
            `Image scan does not exist for the image with {${named(id)}} ${where}`,
          )
        const isDone = scan.status === 'COMPLETE' || scan.status === 'ACTIVE'
        return {
          registryId: registryId(call),
          repositoryName,
          imageId: { imageDigest: image.digest, ...(id.imageTag ? { imageTag: id.imageTag } : {}) },
          imageScanStatus: { status: scan.status },
          ...(isDone
            ? { imageScanFindings: { imageScanCompletedAt: scan.at, findingSeverityCounts: scan.counts, findings: [] } }
            : {}),
        }
      },
      ListImageReferrers(call) {
        const repositoryName = repositoryOf(call)
        const { imageDigest } = call.input.subjectId as ImageIdentifier
        const referrers = images.inRepository(repositoryName).flatMap(({ manifest, digest, mediaType }) => {
          const { subject, artifactType, annotations } = JSON.parse(manifest) as Referring
          if (subject?.digest !== imageDigest) return []
          const optional = { ...(artifactType ? { artifactType } : {}), ...(annotations ? { annotations } : {}) }
          return [{ digest, mediaType, size: Buffer.byteLength(manifest), artifactStatus: 'ACTIVE', ...optional }]
        })
        return { referrers }
      },
      DescribeRepositories(call) {
        const names = (call.input.repositoryNames as string[] | undefined) ?? images.repositories()
        return {
          repositories: names.map((repositoryName) => {
            repositoryOf({ ...call, input: { repositoryName } })
            return {
              registryId: registryId(call),
              repositoryName,
              repositoryArn: `arn:aws:ecr:${call.region}:${registryId(call)}:repository/${repositoryName}`,
              repositoryUri: `${registryId(call)}.dkr.ecr.${call.region}.amazonaws.com/${repositoryName}`,
            }
          }),
        }
      },
      GetDownloadUrlForLayer(call) {
        const repositoryName = repositoryOf(call)
        const layerDigest = call.input.layerDigest as string
        if (!images.blob(layerDigest)) {
          throw new ApiError(
            'LayersNotFoundException',
            `The layer with digest '${layerDigest}' does not exist in the repository with name '${repositoryName}' in the registry with id '${registryId(call)}'`,
          )
        }
        return { downloadUrl: `${baseUrl()}/v2/${repositoryName}/blobs/${layerDigest}`, layerDigest }
      },
      GetAuthorizationToken() {
        const authorizationToken = Buffer.from('AWS:local').toString('base64')
        const expiresAt = new Date(Date.now() + 12 * 3_600_000)
        return { authorizationData: [{ authorizationToken, expiresAt, proxyEndpoint: baseUrl() }] }
      },
    },
    state: () => ({
      images: images
        .repositories()
        .flatMap((name) => images.inRepository(name))
        .map(({ repository, digest, tags }) => ({ repository, digest, tags: [...tags] })),
    }),
  }
}

function named({ imageDigest, imageTag }: ImageIdentifier): string {
  return imageDigest ? `imageDigest:'${imageDigest}'` : `imageTag:'${imageTag}'`
}
