import type {
  ListTagsForResourceCommandInput as ListAlarmTagsInput,
  ListTagsForResourceCommandOutput as ListAlarmTagsOutput,
  UntagResourceCommandInput as UntagAlarmInput,
  UntagResourceCommandOutput as UntagAlarmOutput,
} from '@aws-sdk/client-cloudwatch'
import type { GetResourcesCommandInput, GetResourcesCommandOutput } from '@aws-sdk/client-resource-groups-tagging-api'
import type { ListTagsCommandInput, ListTagsCommandOutput } from '@aws-sdk/client-sagemaker'
import type {
  ListTagsForResourceCommandInput as ListTopicTagsInput,
  ListTagsForResourceCommandOutput as ListTopicTagsOutput,
} from '@aws-sdk/client-sns'
import { type Operation, within } from './call.ts'
import { isNoResource } from './errors.ts'
import { OWNER_TAGS } from './ownership.ts'

export type TagIndexApi = { getResources: Operation<GetResourcesCommandInput, GetResourcesCommandOutput> }
export type ReadTagsApi = { listTags: Operation<ListTagsCommandInput, ListTagsCommandOutput> }
export type AlarmTagsApi = {
  listTagsForResource: Operation<ListAlarmTagsInput, ListAlarmTagsOutput>
  untagResource: Operation<UntagAlarmInput, UntagAlarmOutput>
}
export type TopicTagsApi = { listTagsForResource: Operation<ListTopicTagsInput, ListTopicTagsOutput> }

export type ResourceType = 'endpoint' | 'endpoint-config' | 'model' | 'alarm' | 'topic'

/** Something in AWS that carries tags of ours. */
export type TaggedResource = { arn: string; type: ResourceType; name: string; tags: ReadonlyMap<string, string> }

/** As the tagging API names the types: service and first part of the resource in the ARN. Topics have only a name there. */
const TYPE_FILTERS = ['sagemaker:endpoint', 'sagemaker:endpoint-config', 'sagemaker:model', 'cloudwatch:alarm', 'sns']
const PAGE = 100
/** A cluster with a thousand endpoints has some five thousand resources; past this, the rest waits for the next time. */
const MAX_PAGES = 200

/** What carries our tags in one region, by the Resource Groups Tagging API, and what a resource's own service says of its tags. */
export function taggedResources(
  region: string,
  index: TagIndexApi,
  sagemaker: ReadTagsApi,
  alarms: AlarmTagsApi,
  topics: TopicTagsApi,
) {
  const listed = async (resource: Pick<TaggedResource, 'arn' | 'type'>, signal: AbortSignal) => {
    if (resource.type === 'alarm')
      return (await alarms.listTagsForResource({ ResourceARN: resource.arn }, within(signal))).Tags ?? []
    if (resource.type === 'topic')
      return (await topics.listTagsForResource({ ResourceArn: resource.arn }, within(signal))).Tags ?? []
    const tags = []
    let token: string | undefined
    do {
      const input = { ResourceArn: resource.arn, ...(token ? { NextToken: token } : {}) }
      const page = await sagemaker.listTags(input, within(signal))
      tags.push(...(page.Tags ?? []))
      token = page.NextToken
    } while (token)
    return tags
  }

  return {
    /**
     * Everything of the cluster's, in one namespace or in all. The index lags behind: it may still show what is gone, and tags that
     * have been taken off, and not yet show what is new.
     */
    async find(cluster: string, namespace: string | undefined, signal: AbortSignal): Promise<TaggedResource[]> {
      const found: TaggedResource[] = []
      let token: string | undefined
      for (let page = 0; page < MAX_PAGES; page++) {
        const { ResourceTagMappingList = [], PaginationToken } = await index.getResources(
          {
            TagFilters: [
              { Key: OWNER_TAGS.cluster, Values: [cluster] },
              ...(namespace ? [{ Key: OWNER_TAGS.namespace, Values: [namespace] }] : []),
            ],
            ResourceTypeFilters: TYPE_FILTERS,
            ResourcesPerPage: PAGE,
            ...(token ? { PaginationToken: token } : {}),
          },
          within(signal),
        )
        for (const { ResourceARN: arn = '', Tags = [] } of ResourceTagMappingList) {
          const parsed = parseArn(arn)
          if (parsed?.region !== region) continue
          const tags = new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]))
          found.push({ arn, type: parsed.type, name: parsed.name, tags })
        }
        // Empty on the last page.
        token = PaginationToken || undefined
        if (!token) break
      }
      return found
    },

    /** Takes our tags off an alarm, so that it stays without an owner. Nothing where there is none. */
    async disownAlarm(arn: string, signal: AbortSignal): Promise<void> {
      try {
        await alarms.untagResource({ ResourceARN: arn, TagKeys: Object.values(OWNER_TAGS) }, within(signal))
      } catch (error) {
        if (!isNoResource(error)) throw error
      }
    },

    /** The tags that the resource has now, by its own service; undefined where there is no such resource. */
    async tagsOf(
      resource: Pick<TaggedResource, 'arn' | 'type'>,
      signal: AbortSignal,
    ): Promise<ReadonlyMap<string, string> | undefined> {
      try {
        return new Map((await listed(resource, signal)).map(({ Key = '', Value = '' }) => [Key, Value]))
      } catch (error) {
        if (isNoResource(error)) return undefined
        throw error
      }
    },
  }
}

export type TaggedResources = ReturnType<typeof taggedResources>

const SAGEMAKER_TYPES = new Set<string>(['endpoint', 'endpoint-config', 'model'] satisfies ResourceType[])

/** Undefined for a type that Mooring makes nothing of. */
export function parseArn(arn: string): { region: string; type: ResourceType; name: string } | undefined {
  const [, , service = '', region = '', , ...rest] = arn.split(':')
  const resource = rest.join(':')
  const slash = resource.indexOf('/')
  if (service === 'sagemaker' && SAGEMAKER_TYPES.has(resource.slice(0, slash)))
    return { region, type: resource.slice(0, slash) as ResourceType, name: resource.slice(slash + 1) }
  if (service === 'cloudwatch' && resource.startsWith('alarm:'))
    return { region, type: 'alarm', name: resource.slice('alarm:'.length) }
  // A subscription's ARN has one part more.
  if (service === 'sns' && resource && !resource.includes(':')) return { region, type: 'topic', name: resource }
  return undefined
}
