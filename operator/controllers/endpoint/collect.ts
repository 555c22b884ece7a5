import type { Named } from '../../providers/model.ts'
import { baseNameOf } from './desired.ts'
import { revisionPrefix } from './names.ts'
import type { Pass, ServingPass } from './pass.ts'

/**
 * Deletes the models and configurations of revisions that are no longer kept, once the endpoint serves with the wanted ones: deleted
 * sooner, they would break the update under way and every later one.
 */
export async function collectOldRevisions(pass: ServingPass): Promise<void> {
  const { status, spec, seen, target } = pass
  const { rollout } = status
  if (!rollout || rollout.collected || rollout.result !== 'Succeeded' || seen.status !== 'InService') return
  const limit = spec.rollout.revisionHistoryLimit
  const [current, ...earlier] = status.revisions ?? []
  status.revisions = [...(current ? [current] : []), ...earlier.slice(0, limit)]
  // The first revision of all has nothing before it to be looked for.
  if (rollout.previousConfigName || (current?.number ?? 0) > 1)
    await deleteRevisions(pass, {
      models: new Set([target.modelName, ...status.revisions.map(({ modelName }) => modelName)]),
      configs: new Set([
        target.configName,
        seen.configName,
        ...status.revisions.map(({ endpointConfigName }) => endpointConfigName),
      ]),
    })
  const { previousConfigName: _, ...rest } = rollout
  status.rollout = { ...rest, collected: true }
}

/** Deletes what is ours among the object's models and configurations, except those to keep. Configurations go first. */
export async function deleteRevisions(
  pass: Pass,
  keep: { models: ReadonlySet<string>; configs: ReadonlySet<string> } = { models: new Set(), configs: new Set() },
): Promise<void> {
  const { configs, models } = pass.providers
  const { signal } = pass
  const prefix = revisionPrefix(baseNameOf(pass.object))
  for (const { name } of await ownRevisions(pass, await configs.list(prefix, signal), keep.configs)) {
    await configs.delete(name, signal)
    pass.log.info({ resource: name }, 'deleted the endpoint configuration')
  }
  for (const { name } of await ownRevisions(pass, await models.list(prefix, signal), keep.models)) {
    await models.delete(name, signal)
    pass.log.info({ resource: name }, 'deleted the model')
  }
}

/** Those that carry our tags: a name alone is no proof. */
export async function ownRevisions(
  pass: Pass,
  found: Named[],
  keep: ReadonlySet<string> = new Set(),
): Promise<Named[]> {
  const own: Named[] = []
  for (const named of found)
    if (!keep.has(named.name) && (await pass.providers.ownership.isOurs(named.arn, pass.owner, pass.signal)))
      own.push(named)
  return own
}
