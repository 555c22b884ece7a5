import { setTimeout as delay } from 'node:timers/promises'
import type { AsyncInferenceEndpoint } from '../../operator/api/async-inference-endpoint.ts'
import type { ModelImage } from '../../operator/api/model-image.ts'
import { ANNOTATIONS, ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../operator/api/names.ts'
import { conditionOf, isTrue } from '../operator/controllers/world.ts'
import { judge, summary, type Verdict } from './expectations.ts'
import { view } from './view.ts'
import type { World } from './world.ts'

/** A hang detector: a smoke test that gets no answer, and backoffs that faults have driven up, run out within it, on a busy machine too. */
const LIMIT_MS = 180_000
const LOOK_MS = 60
/** An end must last for this long: longer than an operator takes from its start to its first pass, or between two in motion. */
const REST_MS = 300

export async function objects(world: Pick<World, 'namespace' | 'kube'>): Promise<AsyncInferenceEndpoint[]> {
  const { namespace, kube } = world
  return (await kube.list<AsyncInferenceEndpoint>(ASYNC_INFERENCE_ENDPOINTS, { namespace })).items
}

/** Whether every object is Ready, paused, or says what keeps it: enough for the next command to meet something at rest. */
export async function quiet(world: World): Promise<boolean> {
  return (await objects(world)).every(
    (object) =>
      !object.metadata.deletionTimestamp &&
      (isTrue(object, 'Ready') ||
        object.metadata.annotations?.[ANNOTATIONS.paused] === 'true' ||
        conditionOf(object, 'Degraded')?.status === 'True'),
  )
}

/**
 * Waits until everything has come to an end that the model allows; answers how each object ended.
 * @param remedied where the remedy was applied: that end does not count once more
 * @throws Error that says what did not
 */
export async function settled(
  world: World,
  remedied: ReadonlyMap<string, Verdict> = new Map(),
): Promise<Map<string, Verdict>> {
  let since: { text: string; at: number } | undefined
  for (const end = Date.now() + LIMIT_MS; ; ) {
    const found = await objects(world)
    const now = view(world.cloud)
    const verdicts = new Map<string, Verdict>()
    for (const object of found) {
      const subject = world.subjects.find(({ uid }) => uid === object.metadata.uid)
      const verdict: Verdict =
        subject && !object.metadata.deletionTimestamp
          ? judge(world, now, subject, object)
          : { state: 'moving', why: `is being deleted: ${summary(object)}` }
      const before = remedied.get(object.metadata.name)
      const same = verdict.state === 'resting' && before?.state === 'resting' && verdict.reason === before.reason
      verdicts.set(
        object.metadata.name,
        same ? { state: 'moving', why: `the remedy does not help: ${summary(object)}` } : verdict,
      )
    }
    const image = await world.kube.get<ModelImage>(MODEL_IMAGES, { namespace: world.namespace, name: 'sam-lite' })
    if (!isTrue(image, 'Ready') && world.image.pushed.has(world.image.tag))
      verdicts.set('the image', { state: 'moving', why: JSON.stringify(image.status?.conditions) })
    const text = JSON.stringify([...verdicts, found.map(({ status }) => status), image.metadata.resourceVersion])
    if (since?.text !== text) since = { text, at: Date.now() }
    const moving = [...verdicts].filter(([, verdict]) => verdict.state === 'moving')
    if (moving.length === 0 && Date.now() - since.at >= REST_MS) return verdicts
    if (world.violations.length > 0) return verdicts
    if (Date.now() > end)
      throw new Error(
        `not settled within ${LIMIT_MS / 1000} s: ${moving.map(([name, verdict]) => `${name} ${JSON.stringify(verdict)}`).join('\n')}`,
      )
    await delay(LOOK_MS)
  }
}
