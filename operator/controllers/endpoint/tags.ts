import { tagsCorrected } from './events.ts'
import { contentHash } from './names.ts'
import type { Outcome, PinnedPass, ServingPass } from './pass.ts'

/** The tags that everything is made with, as status keeps them. */
export function tagsRevision({ desired }: Pick<PinnedPass, 'desired'>): { revision: string; keys: string[] } {
  const keys = desired.tags.map(({ Key = '' }) => Key)
  return { revision: contentHash(desired.tags), keys }
}

/**
 * Brings an edit of the tags to what is there already, and from time to time makes sure that nobody else changed them. Tags that
 * Mooring never set are left alone.
 */
export async function tagsStep(pass: ServingPass): Promise<Outcome> {
  const { status, desired, seen, target, memory, now, intervals, providers, signal, log } = pass
  const wanted = tagsRevision(pass)
  const edited = status.tags?.revision !== wanted.revision
  const verified = memory.verified.get('tags')
  // After a restart, spread over the interval: a thousand objects must not all be checked at once.
  if (verified?.revision !== wanted.revision)
    memory.verified.set('tags', {
      revision: wanted.revision,
      at: now.getTime() - intervals.verify * pass.random(),
    })
  const due = verified?.revision === wanted.revision && now.getTime() - verified.at > intervals.verify
  if (!edited && !due) return { kind: 'proceed' }

  const earlier = status.tags?.keys ?? []
  const arns = [
    seen.arn,
    siblingArn(seen.arn, 'model', target.modelName),
    siblingArn(seen.arn, 'endpoint-config', target.configName),
  ]
  const changed = new Set<string>()
  for (const arn of arns)
    for (const key of await providers.ownership.sync(arn, desired.tags, earlier, signal)) changed.add(key)
  status.tags = wanted
  memory.verified.set('tags', { revision: wanted.revision, at: now.getTime() })
  if (changed.size > 0) log.info({ resource: desired.endpointName, keys: [...changed] }, 'set the tags')
  if (!edited && changed.size > 0) pass.emit(tagsCorrected([...changed]))
  return { kind: 'proceed' }
}

/** The ARN of another SageMaker resource of the endpoint's account and region; SageMaker writes their names in lower case. */
function siblingArn(endpointArn: string, kind: 'model' | 'endpoint-config', name: string): string {
  return endpointArn.replace(/:endpoint\/.*$/, `:${kind}/${name.toLowerCase()}`)
}
