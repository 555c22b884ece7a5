import { tagsCorrected } from './events.ts'
import { contentHash } from './names.ts'
import type { Outcome, PinnedPass, ServingPass } from './pass.ts'
import { assumeVerified, isVerified, noteVerified } from './verified.ts'

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
  const { status, desired, seen, target, providers, signal, log } = pass
  const wanted = tagsRevision(pass)
  const edited = status.tags?.revision !== wanted.revision
  assumeVerified(pass, 'tags', wanted.revision)
  if (!edited && isVerified(pass, 'tags', wanted.revision)) return { kind: 'proceed' }

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
  noteVerified(pass, 'tags', wanted.revision)
  if (changed.size > 0) log.info({ resource: desired.endpointName, keys: [...changed] }, 'set the tags')
  if (!edited && changed.size > 0) pass.emit(tagsCorrected([...changed]))
  return { kind: 'proceed' }
}

/** The ARN of another SageMaker resource of the endpoint's account and region; SageMaker writes their names in lower case. */
function siblingArn(endpointArn: string, kind: 'model' | 'endpoint-config', name: string): string {
  return endpointArn.replace(/:endpoint\/.*$/, `:${kind}/${name.toLowerCase()}`)
}
