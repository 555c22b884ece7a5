import type { AddTagsCommandInput, DeleteTagsCommandInput, ListTagsCommandInput, Tag } from '@aws-sdk/client-sagemaker'
import type { Call, Service, TaggedResource } from '../../service.ts'
import { constraints } from './constraints.ts'
import { type Kind, notFound, validation } from './errors.ts'

const MAX_TAGS = 50

export type TagStore = {
  /** @throws ApiError ValidationException for more than 50 tags, a reserved or a repeated key. */
  check(tags: readonly Tag[] | undefined): void
  set(arn: string, tags: readonly Tag[] | undefined): void
  remove(arn: string): void
  list(arn: string): { Key: string; Value: string }[]
  tagged(): TaggedResource[]
  operations: Service['operations']
}

/** Tags by ARN, in the order in which they were added. `exists` tells whether an ARN names something of this account. */
export function tagStore(exists: (arn: string) => boolean): TagStore {
  const byArn = new Map<string, Map<string, string>>()

  const check = (tags: readonly Tag[] = []) => {
    const rules = constraints().member('tags', tags, { maxLength: MAX_TAGS })
    tags.forEach((tag, index) => {
      rules
        .member(`tags.${index + 1}.member.key`, tag.Key, {
          required: true,
          maxLength: 128,
          pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*',
        })
        .member(`tags.${index + 1}.member.value`, tag.Value, { required: true, maxLength: 256 })
    })
    rules.verify()
    if (tags.some((tag) => tag.Key?.toLowerCase().startsWith('aws:')))
      throw validation('Invalid tag key. Tag keys must not start with the reserved prefix "aws:".')
    if (new Set(tags.map((tag) => tag.Key)).size < tags.length)
      throw validation('Duplicate tag keys found in the request.')
  }
  const list: TagStore['list'] = (arn) => [...(byArn.get(arn) ?? [])].map(([Key, Value]) => ({ Key, Value }))
  const set = (arn: string, tags: readonly Tag[] = []) => {
    const now = byArn.get(arn) ?? new Map<string, string>()
    for (const tag of tags) now.set(tag.Key ?? '', tag.Value ?? '')
    byArn.set(arn, now)
  }
  const known = (arn: string | undefined): string => {
    constraints().member('resourceArn', arn, { required: true, pattern: 'arn:.*', maxLength: 256 }).verify()
    const given = String(arn)
    if (!exists(given)) throw notFound(kindOf(given), given)
    return given
  }

  return {
    check,
    set,
    list,
    remove: (arn) => void byArn.delete(arn),
    tagged: () => [...byArn.keys()].map((arn) => ({ arn, tags: list(arn) })).filter(({ tags }) => tags.length > 0),
    operations: {
      AddTags(call: Call) {
        const input = call.input as Partial<AddTagsCommandInput>
        const arn = known(input.ResourceArn)
        check(input.Tags)
        const keys = new Set([...list(arn), ...(input.Tags ?? [])].map((tag) => tag.Key))
        if (keys.size > MAX_TAGS) throw validation(`A resource can have at most ${MAX_TAGS} tags.`)
        set(arn, input.Tags)
        return { Tags: list(arn) }
      },
      ListTags(call: Call) {
        const input = call.input as Partial<ListTagsCommandInput>
        const tags = list(known(input.ResourceArn))
        constraints().member('maxResults', input.MaxResults, { min: 50 }).verify()
        return { Tags: tags }
      },
      DeleteTags(call: Call) {
        const input = call.input as Partial<DeleteTagsCommandInput>
        const arn = known(input.ResourceArn)
        for (const key of input.TagKeys ?? []) byArn.get(arn)?.delete(key)
        return {}
      },
    },
  }
}

function kindOf(arn: string): Kind {
  const kind = arn.split(':')[5]?.split('/')[0]
  return kind === 'model' || kind === 'endpoint-config' ? kind : 'endpoint'
}
