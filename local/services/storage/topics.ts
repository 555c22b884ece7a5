import { ListTagsForResourceCommand, ListTopicsCommand, type SNSClient } from '@aws-sdk/client-sns'
import { ApiError, type TaggedResource } from '../../service.ts'

/** fauxqs knows one account only. */
export const FAUXQS_ACCOUNT = '000000000000'

export type Topics = {
  /** Those that carry tags, under the local cloud's account. */
  tagged(): Promise<TaggedResource[]>
  /**
   * SNS answers CreateTopic for a name that is taken with the topic that has it, unless a tag is asked for that the topic lacks;
   * fauxqs gives it the tag instead.
   * @throws ApiError InvalidParameter in SNS's words
   */
  refuseOtherTags(form: URLSearchParams, region: string): Promise<void>
}

export function topics(sns: SNSClient, accountId: string): Topics {
  const tagsOf = async (arn: string) => {
    try {
      const { Tags = [] } = await sns.send(new ListTagsForResourceCommand({ ResourceArn: arn }))
      return Tags.map(({ Key = '', Value = '' }) => ({ Key, Value }))
    } catch (error) {
      if (error instanceof Error && error.name.startsWith('NotFound')) return undefined
      throw error
    }
  }
  return {
    async tagged() {
      const found: TaggedResource[] = []
      let token: string | undefined
      do {
        const page = await sns.send(new ListTopicsCommand(token ? { NextToken: token } : {}))
        for (const { TopicArn: arn = '' } of page.Topics ?? []) {
          const tags = (await tagsOf(arn)) ?? []
          if (tags.length > 0) found.push({ arn: outwardArns(arn, accountId), tags })
        }
        token = page.NextToken
      } while (token)
      return found
    },
    async refuseOtherTags(form, region) {
      const wanted = [...form]
        .map(([name, key]) => [/^Tags\.member\.(\d+)\.Key$/.exec(name)?.[1], key] as const)
        .filter(([index]) => index !== undefined)
        .map(([index, key]) => ({ key, value: form.get(`Tags.member.${index}.Value`) ?? '' }))
      if (wanted.length === 0) return
      const present = await tagsOf(`arn:aws:sns:${region}:${FAUXQS_ACCOUNT}:${form.get('Name')}`)
      if (!present) return
      const carries = ({ key, value }: { key: string; value: string }) =>
        present.some((tag) => tag.Key === key && tag.Value === value)
      if (!wanted.every(carries))
        throw new ApiError(
          'InvalidParameter',
          'Invalid parameter: Tags Reason: Topic already exists with different tags',
        )
    },
  }
}

/** Members of SNS's requests that hold the ARN of a topic or of a subscription to it. */
const ARN_MEMBERS = new Set(['TopicArn', 'TargetArn', 'ResourceArn', 'SubscriptionArn'])

/** Topics have the local cloud's account outside. Inside, one is found by region and name: manifests name the account that they were written for. */
export function inwardArns(form: URLSearchParams): URLSearchParams {
  const translated = new URLSearchParams()
  for (const [name, value] of form)
    translated.append(
      name,
      ARN_MEMBERS.has(name)
        ? value.replace(/^arn:aws[a-z-]*:sns:([^:]*):\d{12}:/, `arn:aws:sns:$1:${FAUXQS_ACCOUNT}:`)
        : value,
    )
  return translated
}

export function outwardArns(text: string, accountId: string): string {
  return text.replaceAll(new RegExp(`(arn:aws:sns:[^:]*:)${FAUXQS_ACCOUNT}:`, 'g'), `$1${accountId}:`)
}
