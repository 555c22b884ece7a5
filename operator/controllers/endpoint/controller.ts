import type { AsyncInferenceEndpoint } from '../../api/async-inference-endpoint.ts'
import { asyncInferenceEndpointConditions } from '../../api/conditions.ts'
import type { ModelImage } from '../../api/model-image.ts'
import { ANNOTATIONS, ASYNC_INFERENCE_ENDPOINTS, FINALIZER } from '../../api/names.ts'
import type { KubeClient } from '../../kube/client.ts'
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../kube/finalizer.ts'
import type { Log } from '../../kube/log.ts'
import type { Recorder } from '../../kube/recorder.ts'
import { after, done, type Result } from '../../kube/result.ts'
import { patchStatusIfChanged } from '../../kube/status.ts'
import { keyOf } from '../../kube/types.ts'
import { isThrottled } from '../../providers/errors.ts'
import type { Prices } from '../../providers/prices.ts'
import type { Providers } from '../../providers/region.ts'
import type { Approved } from '../approved.ts'
import { type Intervals, jittered } from '../intervals.ts'
import { chain, type Ended, stepFailed } from './chain.ts'
import { costStep } from './cost.ts'
import { finalize } from './finalize.ts'
import { type Memory, memories } from './memory.ts'
import type { Pass } from './pass.ts'
import { CONFIG_MAPS } from './smoke-test-input.ts'
import { summarise } from './summary.ts'

export type EndpointControllerDependencies = {
  kube: KubeClient
  /** The newest known ModelImage, by `namespace/name`. */
  image(key: string): ModelImage | undefined
  /** AWS in one region. */
  providers(region: string): Providers
  prices: Prices
  approved: Approved
  cluster: string
  /** For everything created, under the object's own. */
  defaultTags: readonly { Key: string; Value: string }[]
  intervals: Intervals
  recorder: Recorder
  metrics: {
    endpoint(
      namespace: string,
      name: string,
      state: { phase: string; ready: boolean; instances: number; hourlyCost?: number; monthCost?: number } | undefined,
    ): void
    recovery(namespace: string, name: string): void
  }
  log: Log
  now: () => number
  random: () => number
}

export type EndpointReconciler = {
  reconcile(object: AsyncInferenceEndpoint, signal: AbortSignal): Promise<Result>
  /** Of an object that is gone. */
  forget(key: string): void
  /** Its endpoint may have changed: the next pass is made however early it is, and asks AWS. */
  hint(key: string): void
  /** Its endpoint as described last, where passes go by that. */
  observed(key: string): Memory['observed']
}

/** Watches are rarely late by more; past it, the API server is asked what it has by the conflict that follows. */
const CATCH_UP_MS = 3_000

/** The rate limiter sets the pace of calls; this only keeps an object that was refused from asking in a loop. */
const THROTTLED_MS = 3_000

/** Brings AWS to what an AsyncInferenceEndpoint asks for, one pass at a time. */
export function endpointReconciler(deps: EndpointControllerDependencies): EndpointReconciler {
  const memory = memories()
  const { kube, intervals, now, random } = deps
  const resource = ASYNC_INFERENCE_ENDPOINTS

  const reconcile = async (object: AsyncInferenceEndpoint, signal: AbortSignal): Promise<Result> => {
    const { deletionTimestamp, resourceVersion, uid = '' } = object.metadata
    const deleting = deletionTimestamp !== undefined
    const key = keyOf(object)
    const known = memory.of(key, uid)
    // A pass over what we have ourselves replaced would make again what is made, and then meet a conflict. The write's own event
    // brings the next pass.
    if (known.wroteOver?.version === resourceVersion && now() - (known.wroteOver?.at ?? 0) < CATCH_UP_MS)
      return after(CATCH_UP_MS)
    if (!hasFinalizer(object, FINALIZER)) {
      if (deleting) return done
      await addFinalizer(kube, resource, object, FINALIZER)
      known.wroteOver = { version: resourceVersion, at: now() }
      return done
    }
    const fingerprint = fingerprintOf(object, deps.image(imageKey(object)))
    const early = (known.dueAt ?? 0) - now()
    if (known.fingerprint === fingerprint && early > 0 && !known.hinted) return after(early)
    if (known.fingerprint !== fingerprint || known.hinted) delete known.observed
    delete known.hinted
    delete known.fingerprint

    const pass = begin(object, signal)
    const ended = await run(pass, deleting)
    if (ended.kind !== 'ready') delete known.observed
    if (ended.kind === 'removed') {
      await removeFinalizer(kube, resource, object, FINALIZER)
      return done
    }
    summarise(pass, ended)
    pass.status.observedGeneration = pass.generation
    if (await patchStatusIfChanged(kube, resource, pass.before, object))
      known.wroteOver = { version: resourceVersion, at: now() }
    report(object, pass)
    if (ended.kind === 'error') {
      // Throttling is no fault of the object's: a backoff of its own would starve those that were refused most often.
      if (isThrottled(ended.error)) return after(jittered(THROTTLED_MS, random))
      throw ended.error
    }
    if (ended.kind === 'paused') return done
    const wait = ended.after > 0 ? jittered(ended.after, random) : 0
    known.fingerprint = fingerprint
    known.dueAt = now() + wait
    return after(wait)
  }

  const run = async (pass: Pass, deleting: boolean): Promise<Ended> => {
    try {
      if (deleting) {
        const result = await finalize(pass)
        return result === 'finished' ? { kind: 'removed' } : result
      }
      if (pass.object.metadata.annotations?.[ANNOTATIONS.paused] === 'true') return { kind: 'paused' }
      await costStep(pass)
      const ended = await chain(pass)
      await costStep(pass)
      return ended
    } catch (error) {
      return stepFailed(pass, 'EndpointInService', error)
    }
  }

  const begin = (object: AsyncInferenceEndpoint, signal: AbortSignal): Pass => {
    const { namespace = '', name, uid = '', generation = 0 } = object.metadata
    const before = structuredClone(object.status ?? {})
    object.status ??= {}
    // In memory alone: specs are never written.
    object.spec.tags = {
      ...Object.fromEntries(deps.defaultTags.map(({ Key, Value }) => [Key, Value])),
      ...object.spec.tags,
    }
    const time = new Date(now())
    const labels = { kind: resource.kind, namespace, name }
    const log: Log = {
      info: (fields, message) => deps.log.info({ ...labels, ...fields }, message),
      warn: (fields, message) => deps.log.warn({ ...labels, ...fields }, message),
      error: (fields, message) => deps.log.error({ ...labels, ...fields }, message),
    }
    return {
      object,
      spec: object.spec,
      status: object.status,
      before,
      conditions: asyncInferenceEndpointConditions.for(object.status, generation, time),
      generation,
      image: (image) => deps.image(`${namespace}/${image}`),
      configMap: (configMap) => kube.get(CONFIG_MAPS, { namespace, name: configMap }),
      owner: { cluster: deps.cluster, uid },
      cluster: deps.cluster,
      providers: deps.providers(object.spec.region),
      prices: deps.prices,
      approved: deps.approved,
      intervals,
      memory: memory.of(keyOf(object), uid),
      now: time,
      random,
      signal,
      log,
      emit: ({ type, reason, note }) => deps.recorder.event(object, type, reason, note),
      recovered: () => deps.metrics.recovery(namespace, name),
    }
  }

  const report = ({ metadata: { namespace = '', name } }: AsyncInferenceEndpoint, { status, conditions }: Pass) =>
    deps.metrics.endpoint(namespace, name, {
      phase: status.phase ?? 'Pending',
      ready: conditions.isTrue('Ready'),
      instances: status.instances?.current ?? 0,
      ...costs(status),
    })

  return {
    reconcile,
    hint(key) {
      const known = memory.peek(key)
      if (known) known.hinted = true
    },
    observed: (key) => memory.peek(key)?.observed,
    forget(key) {
      memory.forget(key)
      const slash = key.indexOf('/')
      deps.metrics.endpoint(key.slice(0, slash), key.slice(slash + 1), undefined)
    },
  }
}

function costs({ cost }: Pass['status']): { hourlyCost?: number; monthCost?: number } {
  return {
    ...(cost?.hourly === undefined ? {} : { hourlyCost: Number(cost.hourly) }),
    ...(cost?.monthToDate === undefined ? {} : { monthCost: Number(cost.monthToDate) }),
  }
}

function imageKey({ metadata: { namespace = '' }, spec }: AsyncInferenceEndpoint): string {
  return `${namespace}/${spec.imageRef.name}`
}

/**
 * What a pass goes by, AWS aside. Our own status write comes back as a change of the object; a pass for it would ask AWS the same
 * again within milliseconds.
 */
function fingerprintOf({ metadata }: AsyncInferenceEndpoint, image: ModelImage | undefined): string {
  const { uid, generation, deletionTimestamp, annotations = {} } = metadata
  const asked = Object.values(ANNOTATIONS).map((name) => annotations[name])
  const ready = image?.status?.conditions?.find(({ type }) => type === 'Ready')
  return JSON.stringify([
    uid,
    generation,
    deletionTimestamp,
    asked,
    image?.status?.image,
    image?.status?.verifiedGeneration === image?.metadata.generation,
    ready?.status,
    ready?.message,
  ])
}
