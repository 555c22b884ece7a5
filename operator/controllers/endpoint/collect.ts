import type { Named } from '../../providers/model.ts'
import { revisionPrefix } from './names.ts'
import type { Pass, ServingPass } from './pass.ts'

/**
 * Deletes the models and configurations of earlier revisions, once the endpoint serves with the wanted ones: deleted sooner, they
 * would break the update under way and every later one.
 */
export async function collectOldRevisions(pass: ServingPass): Promise<void> {
  const { status, desired } = pass
  if (!status.rollout?.previousConfigName || status.rollout.result !== 'Succeeded') return
  await deleteRevisions(pass, desired.endpointName, {
    model: desired.model.ModelName,
    config: desired.config.EndpointConfigName,
  })
  const { previousConfigName: _, ...rest } = status.rollout
  status.rollout = rest
}

/** Deletes what is ours among the endpoint's models and configurations, except those to keep. Configurations go first. */
export async function deleteRevisions(
  pass: Pass,
  endpointName: string,
  keep: { model?: string; config?: string } = {},
): Promise<void> {
  const { configs, models } = pass.providers
  const { signal } = pass
  for (const { name } of await ownRevisions(
    pass,
    await configs.list(revisionPrefix(endpointName), signal),
    keep.config,
  )) {
    await configs.delete(name, signal)
    pass.log.info({ resource: name }, 'deleted the endpoint configuration')
  }
  for (const { name } of await ownRevisions(
    pass,
    await models.list(revisionPrefix(endpointName), signal),
    keep.model,
  )) {
    await models.delete(name, signal)
    pass.log.info({ resource: name }, 'deleted the model')
  }
}

/** Those that carry our tags: a name alone is no proof. */
export async function ownRevisions(pass: Pass, found: Named[], keep?: string): Promise<Named[]> {
  const own: Named[] = []
  for (const named of found)
    if (named.name !== keep && (await pass.providers.ownership.isOurs(named.arn, pass.owner, pass.signal)))
      own.push(named)
  return own
}
