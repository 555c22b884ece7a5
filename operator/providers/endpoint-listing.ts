import type { ListEndpointsCommandInput, ListEndpointsCommandOutput } from '@aws-sdk/client-sagemaker'
import { type Operation, within } from './call.ts'
import type { ObservedEndpoint } from './endpoint.ts'

export type EndpointListingApi = {
  listEndpoints: Operation<ListEndpointsCommandInput, ListEndpointsCommandOutput>
}

/** What one look at all endpoints of a region found. */
export type Listing = {
  /** In ms of the clock: what changed since may be missing. */
  startedAt: number
  /** Whether the endpoint was there, in the state and unchanged since the time that were seen before. */
  confirms(name: string, seen: Pick<ObservedEndpoint, 'status' | 'modifiedAt'>): boolean
}

/** SageMaker's maximum. */
const PAGE = 100

/** All endpoints of a region by ListEndpoints, a hundred in a call, in place of a call for each. */
export function endpointListing(api: EndpointListingApi, now: () => number) {
  let latest: Listing | undefined

  const list = async (maxPages: number, signal: AbortSignal): Promise<Listing | undefined> => {
    const startedAt = now()
    const found = new Map<string, { status: string | undefined; modifiedAt: number | undefined }>()
    let token: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const { Endpoints = [], NextToken } = await api.listEndpoints(
        { MaxResults: PAGE, SortBy: 'Name', SortOrder: 'Ascending', ...(token ? { NextToken: token } : {}) },
        within(signal),
      )
      for (const { EndpointName = '', EndpointStatus, LastModifiedTime } of Endpoints)
        found.set(EndpointName, { status: EndpointStatus, modifiedAt: LastModifiedTime?.getTime() })
      token = NextToken
      if (token) continue
      return {
        startedAt,
        confirms(name, { status, modifiedAt }) {
          const listed = found.get(name)
          return listed?.status === status && listed.modifiedAt === modifiedAt.getTime()
        },
      }
    }
    return undefined
  }

  return {
    /** The newest; undefined before the first, and after one that did not succeed. */
    latest: () => latest,

    /**
     * Looks at them all.
     * @param maxPages where the account has more than that, describing one's own endpoints is cheaper: answers undefined
     */
    async refresh(maxPages: number, signal: AbortSignal): Promise<Listing | undefined> {
      try {
        latest = await list(maxPages, signal)
        return latest
      } catch (error) {
        latest = undefined
        throw error
      }
    },
  }
}

export type EndpointListing = ReturnType<typeof endpointListing>
