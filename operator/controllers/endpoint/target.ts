import { ANNOTATIONS } from '../../api/names.ts'
import type { Desired } from './desired.ts'
import { failing, type Halt, type Pass, type Target } from './pass.ts'
import { revisionOf } from './revisions.ts'

/** What the spec asks for: the revision that it describes, or the earlier one that it names. */
export function targetOf(pass: Pass, desired: Desired): Target | Halt {
  const { spec, status } = pass
  if (spec.revision === undefined)
    return {
      from: 'spec',
      modelName: desired.model.ModelName,
      configName: desired.config.EndpointConfigName,
      image: desired.model.PrimaryContainer?.Image,
    }
  const wanted = status.revisions?.find(({ number }) => number === spec.revision)
  return wanted ? kept('revision', wanted) : targetRefused(pass)
}

/** Says that the revision that spec.revision names is not kept. */
export function targetRefused(pass: Pass): Halt {
  const { spec, status, intervals } = pass
  const known = (status.revisions ?? []).map(({ number }) => number).join(', ')
  const message = `There is no revision ${spec.revision}: set spec.revision to one of ${known || 'none'}, or take it out.`
  return failing(pass, 'ConfigReady', 'RevisionMissing', message, intervals.settled)
}

/** What the endpoint was last asked to take, for when it cannot be known what it should take next. */
export function servingTarget({ status }: Pass): Target | undefined {
  const configName = status.rollout?.endpointConfigName
  const revision = revisionOf(status, configName)
  return configName && revision ? kept('serving', revision) : undefined
}

function kept(
  from: 'revision' | 'serving',
  {
    endpointConfigName,
    modelName,
    image,
  }: { endpointConfigName: string; modelName: string; image?: string | undefined },
): Target {
  return { from, modelName, configName: endpointConfigName, image }
}

/**
 * The configuration to bring the endpoint to now: the target, or after the target has failed what is gone back to. A new value of
 * the annotation mooring.dev/retry gives the target another chance.
 */
export function goalOf({ status, target, object }: Pick<Pass, 'status' | 'object'> & { target: Target }): string {
  const { rollout } = status
  const failed = rollout?.result === 'RollingBack' || rollout?.result === 'RolledBack'
  const same = rollout?.endpointConfigName === target.configName && rollout.retry === retryOf({ object }).retry
  return failed && same && rollout.previousConfigName ? rollout.previousConfigName : target.configName
}

/** The retry annotation, as status keeps it. */
export function retryOf({ object }: Pick<Pass, 'object'>): { retry?: string } {
  const value = object.metadata.annotations?.[ANNOTATIONS.retry]
  return value === undefined ? {} : { retry: value.slice(0, 256) }
}
