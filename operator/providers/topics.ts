import type {
  CreateTopicCommandInput,
  CreateTopicCommandOutput,
  DeleteTopicCommandInput,
  DeleteTopicCommandOutput,
  GetTopicAttributesCommandInput,
  GetTopicAttributesCommandOutput,
  ListTagsForResourceCommandInput,
  ListTagsForResourceCommandOutput,
  SetTopicAttributesCommandInput,
  SetTopicAttributesCommandOutput,
  TagResourceCommandInput,
  TagResourceCommandOutput,
  UntagResourceCommandInput,
  UntagResourceCommandOutput,
} from '@aws-sdk/client-sns'
import { type Operation, within } from './call.ts'
import { isNoTopic, isOtherTopic } from './errors.ts'
import { OWNER_TAGS } from './ownership.ts'

export type TopicApi = {
  createTopic: Operation<CreateTopicCommandInput, CreateTopicCommandOutput>
  deleteTopic: Operation<DeleteTopicCommandInput, DeleteTopicCommandOutput>
  getTopicAttributes: Operation<GetTopicAttributesCommandInput, GetTopicAttributesCommandOutput>
  setTopicAttributes: Operation<SetTopicAttributesCommandInput, SetTopicAttributesCommandOutput>
  listTagsForResource: Operation<ListTagsForResourceCommandInput, ListTagsForResourceCommandOutput>
  tagResource: Operation<TagResourceCommandInput, TagResourceCommandOutput>
  untagResource: Operation<UntagResourceCommandInput, UntagResourceCommandOutput>
}

type Tag = { Key: string; Value: string }

/** SNS topics. Every call throws the SDK's errors, to be read by errors.ts. */
export function topics(api: TopicApi) {
  return {
    /** Its tags and the key that encrypts it; undefined where there is none. Two calls. */
    async observe(
      arn: string,
      signal: AbortSignal,
    ): Promise<{ tags: Map<string, string>; kmsKeyId: string | undefined } | undefined> {
      try {
        const { Tags = [] } = await api.listTagsForResource({ ResourceArn: arn }, within(signal))
        const { Attributes = {} } = await api.getTopicAttributes({ TopicArn: arn }, within(signal))
        return {
          tags: new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
          kmsKeyId: Attributes.KmsMasterKeyId || undefined,
        }
      } catch (error) {
        if (isNoTopic(error)) return undefined
        throw error
      }
    },

    /**
     * Its ARN; 'taken' when there is one of that name without these tags or with another key. A repeat finds the one it has made:
     * CreateTopic answers with an existing topic's ARN as long as that has all tags and attributes that are asked for.
     */
    async create(
      topic: { name: string; tags: Tag[]; kmsKeyId: string | undefined },
      signal: AbortSignal,
    ): Promise<{ arn: string } | 'taken'> {
      try {
        const { TopicArn: arn = '' } = await api.createTopic(
          {
            Name: topic.name,
            Tags: topic.tags,
            ...(topic.kmsKeyId ? { Attributes: { KmsMasterKeyId: topic.kmsKeyId } } : {}),
          },
          within(signal),
        )
        return { arn }
      } catch (error) {
        if (isOtherTopic(error)) return 'taken'
        throw error
      }
    },

    /** Encrypts it with another key; with none, not at all. */
    async encrypt(arn: string, kmsKeyId: string | undefined, signal: AbortSignal): Promise<void> {
      await api.setTopicAttributes(
        { TopicArn: arn, AttributeName: 'KmsMasterKeyId', AttributeValue: kmsKeyId ?? '' },
        within(signal),
      )
    },

    async tag(arn: string, tags: Tag[], signal: AbortSignal): Promise<void> {
      await api.tagResource({ ResourceArn: arn, Tags: tags }, within(signal))
    },

    /** Takes our tags off, so that the topic stays without an owner. Nothing where there is none. */
    async disown(arn: string, signal: AbortSignal): Promise<void> {
      try {
        await api.untagResource({ ResourceArn: arn, TagKeys: Object.values(OWNER_TAGS) }, within(signal))
      } catch (error) {
        if (!isNoTopic(error)) throw error
      }
    },

    /** Nothing where there is none. */
    async delete(arn: string, signal: AbortSignal): Promise<void> {
      try {
        await api.deleteTopic({ TopicArn: arn }, within(signal))
      } catch (error) {
        if (!isNoTopic(error)) throw error
      }
    },
  }
}

export type Topics = ReturnType<typeof topics>
