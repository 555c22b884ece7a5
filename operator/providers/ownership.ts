import type {
  DeleteTagsCommandInput,
  DeleteTagsCommandOutput,
  ListTagsCommandInput,
  ListTagsCommandOutput,
} from '@aws-sdk/client-sagemaker'
import { type Operation, within } from './call.ts'

export type TagApi = {
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
  return {
    async isOurs(arn: string, owner: Owner, signal: AbortSignal): Promise<boolean> {
      const tags = new Map<string, string>()
      let token: string | undefined
      do {
        const page = await api.listTags({ ResourceArn: arn, ...(token ? { NextToken: token } : {}) }, within(signal))
        for (const { Key, Value } of page.Tags ?? []) if (Key) tags.set(Key, Value ?? '')
        token = page.NextToken
      } while (token)
      return tags.get(OWNER_TAGS.uid) === owner.uid && tags.get(OWNER_TAGS.cluster) === owner.cluster
    },
    /** Takes our tags off, so that the resource stays without an owner. */
    async disown(arn: string, signal: AbortSignal): Promise<void> {
      await api.deleteTags({ ResourceArn: arn, TagKeys: Object.values(OWNER_TAGS) }, within(signal))
    },
  }
}

export type Ownership = ReturnType<typeof ownership>
