import { modelImageConditions } from '../../api/conditions.ts'
import type { ModelImage } from '../../api/model-image.ts'
import { IMAGE_ANNOTATIONS, MODEL_IMAGES } from '../../api/names.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Log } from '../../kube/log.ts'
import type { Recorder } from '../../kube/recorder.ts'
import { after, done, type Result } from '../../kube/result.ts'
import { patchStatusIfChanged } from '../../kube/status.ts'
import { keyOf } from '../../kube/types.ts'
import { jittered } from '../intervals.ts'
import { type LookDependencies, look, notResolved } from './look.ts'
import type { ImageMemory, ImagePass } from './pass.ts'

export type ModelImageControllerDependencies = LookDependencies & {
  kube: KubeClient
  recorder: Recorder
  log: Log
  now: () => number
  random: () => number
}

export type ModelImageReconciler = {
  reconcile(object: ModelImage, signal: AbortSignal): Promise<Result>
  /** An image was pushed that it may stand for: the next pass is made however early it is. */
  hint(key: string): void
  /** Of an object that is gone. */
  forget(key: string): void
}

/** Pins each ModelImage to a digest that passed its checks, and keeps looking what is behind the reference. */
export function modelImageReconciler(deps: ModelImageControllerDependencies): ModelImageReconciler {
  const { kube, recorder, now, random } = deps
  const memories = new Map<string, ImageMemory>()

  const memoryOf = (key: string, uid: string): ImageMemory => {
    const known = memories.get(key)
    if (known?.uid === uid) return known
    const memory: ImageMemory = { uid }
    memories.set(key, memory)
    return memory
  }

  const reconcile = async (object: ModelImage, signal: AbortSignal): Promise<Result> => {
    // What runs in the cluster for it is collected by its owner reference; nothing was made in AWS.
    if (object.metadata.deletionTimestamp) return done
    const memory = memoryOf(keyOf(object), object.metadata.uid ?? '')
    const fingerprint = fingerprintOf(object)
    const early = (memory.dueAt ?? 0) - now()
    if (memory.fingerprint === fingerprint && early > 0 && !memory.hinted) return after(early)
    delete memory.hinted
    delete memory.fingerprint

    const pass = begin(object, memory, signal)
    let failure: unknown
    let wait = object.spec.resolveIntervalSeconds * 1000
    try {
      wait = Math.min(wait, await look(pass, deps))
    } catch (error) {
      if (signal.aborted) throw error
      const { permanent, retryAfterMs } = notResolved(pass, error)
      if (permanent) wait = Math.min(wait, deps.againMs)
      else if (retryAfterMs !== undefined) wait = Math.max(retryAfterMs, deps.againMs)
      else failure = error
    }
    if (!failure) pass.status.observedGeneration = pass.generation
    await patchStatusIfChanged(kube, MODEL_IMAGES, pass.before, object)
    if (failure) throw failure
    const pause = jittered(wait, random)
    memory.fingerprint = fingerprint
    memory.dueAt = now() + pause
    return after(pause)
  }

  const begin = (object: ModelImage, memory: ImageMemory, signal: AbortSignal): ImagePass => {
    const { namespace, name, generation = 0 } = object.metadata
    const before = structuredClone(object.status ?? {})
    object.status ??= {}
    const time = new Date(now())
    const labels = { kind: object.kind, namespace, name }
    return {
      object,
      spec: object.spec,
      status: object.status,
      before,
      conditions: modelImageConditions.for(object.status, generation, time),
      generation,
      memory,
      now: time,
      random,
      signal,
      log: {
        info: (fields, message) => deps.log.info({ ...labels, ...fields }, message),
        warn: (fields, message) => deps.log.warn({ ...labels, ...fields }, message),
        error: (fields, message) => deps.log.error({ ...labels, ...fields }, message),
      },
      emit: (type, reason, note) => recorder.event(object, type, reason, note),
    }
  }

  return {
    reconcile,
    hint(key) {
      const memory = memories.get(key)
      if (memory) memory.hinted = true
    },
    forget: (key) => void memories.delete(key),
  }
}

/** What a pass goes by, the registry aside. Our own status write comes back as a change of the object; it must not ask the registry again. */
function fingerprintOf({ metadata: { uid, generation, annotations = {} } }: ModelImage): string {
  return JSON.stringify([uid, generation, Object.values(IMAGE_ANNOTATIONS).map((name) => annotations[name])])
}
