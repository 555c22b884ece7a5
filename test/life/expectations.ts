import type { AsyncInferenceEndpoint } from '../../operator/api/async-inference-endpoint.ts'
import type { Condition } from '../../operator/api/conditions.ts'
import type { Reason } from '../../operator/api/reasons.ts'
import { conditionOf, isTrue } from '../operator/controllers/world.ts'
import { type CloudView, tag } from './view.ts'
import type { Fact, Subject, World } from './world.ts'

/**
 * The model: with which reasons an object may rest without being Ready, and what must have been done to it for that. Whatever is not
 * here must pass by itself once the faults are gone: throttling, denials, quotas, lost answers, stale reads, stuck states.
 */
const MAY_REST: Partial<Record<Reason, readonly Fact[]>> = {
  UpdateRolledBack: ['update may fail'],
  UpdateRollbackFailed: ['rollback may fail'],
  RollbackFailed: ['update may fail', 'may fail', 'may fail for good'],
  RecreateRolledBack: ['may fail', 'may fail for good'],
  RecoveryExhausted: ['may fail', 'may fail for good'],
  PingFailed: ['may fail'],
  ImageNotFound: ['may fail for good'],
  RoleCannotBeAssumed: ['may fail for good'],
  NameTaken: ['name may be taken'],
  ConfigInUseMissing: ['configuration taken away'],
  RevisionMissing: ['revision may be missing'],
  SmokeTestFailed: ['may be bad', 'may be asleep', 'time may run out'],
  SmokeTestRolledBack: ['may be bad', 'may be asleep', 'time may run out'],
}

export type Verdict =
  | { state: 'ready' }
  /** It waits for somebody, and says so. */
  | { state: 'resting'; reason: string }
  | { state: 'moving'; why: string }

/** Ends whose remedy is another endpoint, or none. */
const WITHOUT_ENDPOINT: ReadonlySet<string> = new Set(['NameTaken', 'ConfigInUseMissing'])

/** Whether the object has come to an end that the model allows, by its status and by what is in the cloud. */
export function judge(world: World, now: CloudView, subject: Subject, object: AsyncInferenceEndpoint): Verdict {
  const { generation = 0 } = object.metadata
  if (isTrue(object, 'Ready')) {
    const amiss = [...notAsDeclared(now, subject, object)]
    return amiss.length > 0 ? { state: 'moving', why: `Ready, but ${amiss.join('; ')}` } : { state: 'ready' }
  }
  const degraded = conditionOf(object, 'Degraded')
  const image = conditionOf(object, 'ImageReady')
  const absent = !world.image.pushed.has(world.image.tag)
  if (image?.reason === 'ImageNotReady' && image.observedGeneration === generation && absent)
    return { state: 'resting', reason: 'ImageNotReady' }
  const smokeTest = conditionOf(object, 'SmokeTestPassed')
  // Without an endpoint of its own, an object is not helped by waking one.
  const without = degraded?.status === 'True' && WITHOUT_ENDPOINT.has(degraded.reason)
  if (smokeTest?.reason === 'DeferredUntilAwake' && smokeTest.observedGeneration === generation && !without)
    return { state: 'resting', reason: smokeTest.reason }
  if (degraded?.status !== 'True' || degraded.observedGeneration !== generation)
    return { state: 'moving', why: summary(object) }
  const allowed = MAY_REST[degraded.reason as Reason]?.some((fact) => subject.facts.has(fact) || world.facts.has(fact))
  return allowed
    ? { state: 'resting', reason: degraded.reason }
    : { state: 'moving', why: `not allowed to rest: ${summary(object)}` }
}

/** In what the cloud differs from the object's spec. */
function* notAsDeclared(now: CloudView, subject: Subject, { spec, status }: AsyncInferenceEndpoint): Generator<string> {
  const name = subject.endpointName
  const endpoint = now.endpoints.find(({ EndpointName }) => EndpointName === name)
  if (endpoint?.EndpointStatus !== 'InService') return yield `the endpoint is ${endpoint?.EndpointStatus ?? 'absent'}`
  if (tag(endpoint, 'mooring.dev/uid') !== subject.uid) yield 'the endpoint is not ours'
  const configName = endpoint.EndpointConfigName
  if (configName !== status?.endpointConfigName) yield `the endpoint runs ${configName}`
  const config = now.endpointConfigs.find(({ EndpointConfigName }) => EndpointConfigName === configName)
  const variant = config?.ProductionVariants[0]
  if (!variant) return yield `there is no configuration ${configName}`
  const types = variant.InstancePools?.map(({ InstanceType }) => InstanceType) ?? [variant.InstanceType]
  const wanted = [spec.instance.type, ...(spec.instance.fallback?.types ?? [])]
  // An earlier revision that the spec names has a content of its own.
  const pinned = spec.revision !== undefined
  if (!pinned && types.some((type) => !wanted.includes(String(type)))) yield `the instance types are ${types}`
  const model = now.models.find(({ ModelName }) => ModelName === variant.ModelName)
  if (!model) return yield `there is no model ${variant.ModelName}`
  if (!pinned && model.PrimaryContainer.Image !== status?.image) yield `the model runs ${model.PrimaryContainer.Image}`
  const level = model.PrimaryContainer.Environment?.LEVEL
  if (!pinned && level !== spec.environment?.LEVEL) yield `the model's LEVEL is ${level}`

  const target = now.targets.find(({ resourceId }) => resourceId.split('/')[1] === name)
  const { minInstances, maxInstances } = spec.scaling
  // A budget that is used up holds the maximum down.
  const held = conditionOf(status ? { status } : {}, 'WithinBudget')?.status === 'False'
  if (held) return
  if (target?.min !== minInstances || target.max !== maxInstances)
    yield `the scalable target is ${JSON.stringify(target)}`
  for (const policy of [`${name}-wake`, `${name}-backlog`])
    if (!now.policies.some((each) => each.name === policy)) yield `there is no policy ${policy}`
  if (!now.alarms.some((alarm) => alarm.name === `${name}-wake`)) yield 'there is no alarm'
}

/** The conditions that are not as they are when all is well. */
export function summary({ metadata, status }: AsyncInferenceEndpoint): string {
  const text = ({ type, status: state, reason, message, observedGeneration }: Condition) =>
    `${type}=${state}/${reason} (generation ${observedGeneration}) ${message}`
  const conditions = (status?.conditions ?? []).map(text).join('\n    ')
  return `generation ${metadata.generation}, phase ${status?.phase}, ${status?.endpointStatus}\n    ${conditions}`
}
