import type {
  AddTagsCommandInput,
  AddTagsCommandOutput,
  DeleteTagsCommandInput,
  DeleteTagsCommandOutput,
  ListTagsCommandInput,
  ListTagsCommandOutput,
  Tag,
} from '@aws-sdk/client-sagemaker'
import { type Operation, within } from './call.ts'

export type TagApi = {
  addTags: Operation<AddTagsCommandInput, AddTagsCommandOutput>
  listTags: Operation<ListTagsCommandInput, ListTagsCommandOutput>
  deleteTags: Operation<DeleteTagsCommandInput, DeleteTagsCommandOutput>
}

/** Everything made for an object carries these; they say whose it is. */
export const OWNER_TAGS = {
  cluster: 'mooring.dev/cluster',
  namespace: 'mooring.dev/namespace',
  name: 'mooring.dev/name',
  uid: 'mooring.dev/uid',
  contentHash: 'mooring.dev/content-hash',
} as const

/** Whose a resource is: the owner's cluster and UID, which no other object ever has. */
export type Owner = { cluster: string; uid: string }

/** Who owns what in SageMaker, by tags. */
export function ownership(api: TagApi) {
  const tagsOf = async (arn: string, signal: AbortSignal): Promise<Map<string, string>> => {
    const tags = new Map<string, string>()
    let token: string | undefined
    do {
      const page = await api.listTags({ ResourceArn: arn, ...(token ? { NextToken: token } : {}) }, within(signal))
      for (const { Key, Value } of page.Tags ?? []) if (Key) tags.set(Key, Value ?? '')
      token = page.NextToken
    } while (token)
    return tags
  }

  return {
    async isOurs(arn: string, owner: Owner, signal: AbortSignal): Promise<boolean> {
      return isOwner(await tagsOf(arn, signal), owner)
    },
    /** Gives a resource that belongs to nobody to `owner`, with these tags. Answers whose it was instead, where it has an owner. */
    async claim(
      arn: string,
      owner: Owner,
      tags: Tag[],
      signal: AbortSignal,
    ): Promise<'claimed' | 'already ours' | { owner: string }> {
      const present = await tagsOf(arn, signal)
      if (isOwner(present, owner)) return 'already ours'
      if (present.has(OWNER_TAGS.uid) || present.has(OWNER_TAGS.cluster)) {
        const tag = (name: keyof typeof OWNER_TAGS) => present.get(OWNER_TAGS[name]) ?? '?'
        return { owner: `${tag('namespace')}/${tag('name')} of cluster ${tag('cluster')}` }
      }
      await api.addTags({ ResourceArn: arn, Tags: tags }, within(signal))
      return 'claimed'
    },
    /**
     * Makes the tags as wanted, and takes off those of `earlier` that are no longer; tags of others stay. Answers the keys that were
     * not as they should. One call where all is well, two or three otherwise.
     */
    async sync(arn: string, wanted: Tag[], earlier: readonly string[], signal: AbortSignal): Promise<string[]> {
      const present = await tagsOf(arn, signal)
      const missing = wanted.filter(({ Key = '', Value }) => present.get(Key) !== Value)
      const surplus = earlier.filter((key) => present.has(key) && !wanted.some(({ Key }) => Key === key))
      if (missing.length > 0) await api.addTags({ ResourceArn: arn, Tags: missing }, within(signal))
      if (surplus.length > 0) await api.deleteTags({ ResourceArn: arn, TagKeys: surplus }, within(signal))
      return [...missing.map(({ Key = '' }) => Key), ...surplus]
    },
    /** Takes our tags off, so that the resource stays without an owner. */
    async disown(arn: string, signal: AbortSignal): Promise<void> {
      await api.deleteTags({ ResourceArn: arn, TagKeys: Object.values(OWNER_TAGS) }, within(signal))
    },
  }
}

function isOwner(tags: Map<string, string>, owner: Owner): boolean {
  return tags.get(OWNER_TAGS.uid) === owner.uid && tags.get(OWNER_TAGS.cluster) === owner.cluster
}

export type Ownership = ReturnType<typeof ownership>
