import { modelImageConditions } from '../../api/conditions.ts'
import type { ModelImage } from '../../api/model-image.ts'
import { MODEL_IMAGES } from '../../api/names.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Log } from '../../kube/log.ts'
import type { Recorder } from '../../kube/recorder.ts'
import { after, done, type Result } from '../../kube/result.ts'
import { patchStatusIfChanged } from '../../kube/status.ts'
import { keyOf } from '../../kube/types.ts'
import { explainError } from '../../providers/errors.ts'
import { ImageError, type ImageRegistry } from '../../providers/registry.ts'
import { jittered } from '../intervals.ts'
import { resolve } from './resolve.ts'

export type ModelImageControllerDependencies = {
  kube: KubeClient
  /** Amazon ECR in one region. */
  registry(region: string): ImageRegistry
  /** How soon to look again for an image that is not there yet, in milliseconds. */
  missingMs: number
  recorder: Recorder
  log: Log
  now: () => number
  random: () => number
}

export type ModelImageReconciler = {
  reconcile(object: ModelImage, signal: AbortSignal): Promise<Result>
  /** Of an object that is gone. */
  forget(key: string): void
}

/** Pins each ModelImage to the digest behind its reference and keeps looking whether the tag has moved. */
export function modelImageReconciler(deps: ModelImageControllerDependencies): ModelImageReconciler {
  const { kube, recorder, now, random } = deps
  /** When each object is due, and for which generation: our own status write must not ask the registry again. */
  const due = new Map<string, { generation: number; at: number }>()

  const reconcile = async (object: ModelImage, signal: AbortSignal): Promise<Result> => {
    // Nothing was made in AWS, so there is nothing to take away.
    if (object.metadata.deletionTimestamp) return done
    const { generation = 0, namespace, name } = object.metadata
    const key = keyOf(object)
    const next = due.get(key)
    if (next?.generation === generation && next.at > now()) return after(next.at - now())
    due.delete(key)

    const before = structuredClone(object.status ?? {})
    object.status ??= {}
    const { status } = object
    const time = new Date(now())
    const conditions = modelImageConditions.for(status, generation, time)
    let wait = object.spec.resolveIntervalSeconds * 1000
    let failure: unknown
    let judged = true
    try {
      const pinnedBefore = status.image
      if (await resolve(object, status, deps.registry, time, signal)) {
        recorder.event(object, 'Normal', 'ImageResolved', `The image is ${status.image}, ${status.size}.`)
        deps.log.info({ kind: object.kind, namespace, name, image: status.image, pinnedBefore }, 'resolved the image')
      }
      conditions.true_('Resolved', 'Pinned', '')
    } catch (error) {
      if (signal.aborted) throw error
      const known = error instanceof ImageError
      const { reason, message, permanent } = known
        ? { ...error, message: error.message, permanent: true }
        : explainError(error)
      // A digest that was pinned stays good while the registry has a bad moment, and while nothing better is known.
      if (known && status.observedGeneration !== generation) unpin(status)
      if (known || !conditions.isTrue('Resolved')) conditions.false_('Resolved', reason, message)
      if (known && before.conditions?.find(({ type }) => type === 'Resolved')?.reason !== reason)
        recorder.event(object, 'Warning', reason, message)
      if (permanent) wait = Math.min(wait, deps.missingMs)
      else failure = error
      judged = known
    }
    if (judged) status.observedGeneration = generation
    await patchStatusIfChanged(kube, MODEL_IMAGES, before, object)
    if (failure) throw failure
    const jitter = jittered(wait, random)
    due.set(key, { generation, at: now() + jitter })
    return after(jitter)
  }

  return { reconcile, forget: (key) => void due.delete(key) }
}

/** The reference was changed to one that cannot be resolved: what was seen behind the old one says nothing. */
function unpin(status: NonNullable<ModelImage['status']>): void {
  const { conditions, observedGeneration } = status
  for (const key of Object.keys(status) as (keyof typeof status)[]) delete status[key]
  Object.assign(status, { conditions, observedGeneration })
}
