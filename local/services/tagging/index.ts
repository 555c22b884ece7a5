import type { GetResourcesInput, TagFilter } from '@aws-sdk/client-resource-groups-tagging-api'
import { ApiError, type JsonObject, type Service, type TaggedResource, type TagSource } from '../../service.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 100
const MAX_KEYS = 50
const MAX_VALUES = 20

/**
 * The Resource Groups Tagging API: what carries which tags, over all services. AWS's index lags behind; here it is exact, and the
 * fault `stale` on tagging.GetResources makes it lag.
 */
export function taggingService(sources: readonly TagSource[]): Service {
  const all = async (): Promise<TaggedResource[]> => {
    const found = (await Promise.all(sources.map((source) => source.tagged()))).flat()
    return found.sort((a, b) => (a.arn < b.arn ? -1 : 1))
  }
  return {
    name: 'tagging',
    operations: {
      async GetResources({ input }) {
        const { TagFilters, ResourceTypeFilters, ResourceARNList, PaginationToken, ...rest } =
          input as GetResourcesInput
        check(input as GetResourcesInput)
        const fits = (await all()).filter(
          ({ arn, tags }) =>
            (TagFilters ?? []).every((filter) => carries(tags, filter)) &&
            (!ResourceTypeFilters?.length || ResourceTypeFilters.some((type) => isOfType(arn, type))) &&
            (!ResourceARNList?.length || ResourceARNList.includes(arn)) &&
            (!PaginationToken || arn > decode(PaginationToken)),
        )
        const page = fits.slice(0, rest.ResourcesPerPage ?? DEFAULT_PAGE)
        const last = page.at(-1)
        return {
          ResourceTagMappingList: page.map(({ arn, tags }) => ({ ResourceARN: arn, Tags: tags })),
          // AWS answers an empty token on the last page.
          PaginationToken: last && page.length < fits.length ? encode(last.arn) : '',
        }
      },
    },
    state: (): JsonObject => ({}),
  }
}

const invalid = (message: string) => new ApiError('InvalidParameterException', message)

function check(input: GetResourcesInput): void {
  const { ResourcesPerPage: size, TagFilters: filters = [], ResourceTypeFilters: types } = input
  if (size !== undefined && (size < 1 || size > MAX_PAGE))
    throw invalid(`ResourcesPerPage must be from 1 to ${MAX_PAGE}`)
  if (filters.length > MAX_KEYS) throw invalid(`TagFilters may have at most ${MAX_KEYS} keys`)
  for (const { Key, Values = [] } of filters) {
    if (!Key) throw invalid('A TagFilter must have a Key')
    if (Values.length > MAX_VALUES) throw invalid(`A TagFilter may have at most ${MAX_VALUES} values`)
  }
  if (input.ResourceARNList?.length && (filters.length > 0 || types?.length))
    throw invalid('ResourceARNList cannot be given together with TagFilters or ResourceTypeFilters')
  for (const name of ['TagsPerPage', 'IncludeComplianceDetails', 'ExcludeCompliantResources'] as const)
    if (input[name] !== undefined) throw invalid(`The local cloud has no ${name}`)
}

function carries(tags: TaggedResource['tags'], { Key, Values = [] }: TagFilter): boolean {
  return tags.some((tag) => tag.Key === Key && (Values.length === 0 || Values.includes(tag.Value)))
}

/** `service[:resourceType]`, as both stand in the ARN: arn:<partition>:<service>:<region>:<account>:<type>/<name>. */
function isOfType(arn: string, type: string): boolean {
  const [, , service = '', , , rest = ''] = arn.split(':')
  const [wanted, resource] = type.split(':')
  return service === wanted && (resource === undefined || rest.split('/')[0] === resource)
}

const encode = (arn: string) => Buffer.from(arn).toString('base64url')

function decode(token: string): string {
  const arn = Buffer.from(token, 'base64url').toString()
  if (!arn.startsWith('arn:'))
    throw new ApiError('PaginationTokenExpiredException', 'The PaginationToken is not valid.')
  return arn
}
