import { setTimeout as delay } from 'node:timers/promises'
import { ANNOTATIONS, ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../operator/api/names.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import { isNotFound } from '../../operator/kube/errors.ts'
import { act, patch } from './act.ts'
import { OBJECTS, type Sequence } from './commands.ts'
import type { Verdict } from './expectations.ts'
import { leftovers } from './leftovers.ts'
import { INTERVALS } from './operators.ts'
import { objects, settled } from './settle.ts'
import { imageReference, type Subject, startWorld, type World } from './world.ts'

/**
 * Bounds on requests to AWS, all operators of a sequence together.
 * - At work: what one command may cost, and what one object may cost a second. A recovery, the dearest act, takes about 25; polls in
 *   flight are one each 60 ms.
 * - At rest: one look at each object in each settled interval (20 % jitter), and the eight reads of a verification each verify interval.
 */
const CALLS_PER_COMMAND = 120
const CALLS_PER_OBJECT_SECOND = 40
const CALLS_AT_REST = 12
/** A look for the image's tag, and a sweep for orphans. */
const CALLS_FOR_THE_IMAGE = 8
const IDLE_MS = INTERVALS.settled
const MAX_LOOKS = 6
/** Orphans are swept up by the second look that finds them; a hang detector. */
const SWEPT_MS = 30_000
/** One remedy may bring to light what the next is for. */
const MAX_REMEDIES = 3

export type Lived = { calls: number; crashes: number; resting: string[]; milliseconds: number }

/** One sequence failed: why, in what state, and after what. */
export class SequenceFailure extends Error {
  override name = 'SequenceFailure'
  readonly history: readonly string[]
  constructor(message: string, history: readonly string[]) {
    super(message)
    this.history = history
  }
}

/**
 * Lives through one sequence and holds the promises against it.
 * @throws SequenceFailure
 */
export async function live(kube: KubeClient, sequence: Sequence): Promise<Lived> {
  const began = Date.now()
  const world = await startWorld(kube, sequence)
  try {
    for (const [step, command] of sequence.commands.entries()) await act(world, command, step)
    const resting = await judgeTheEnd(world, sequence.commands.length, began)
    return { calls: world.calls.total, crashes: world.operators.crashes(), resting, milliseconds: Date.now() - began }
  } catch (error) {
    throw new SequenceFailure(await report(world, error), world.history.lines())
  } finally {
    await world.end()
  }
}

async function judgeTheEnd(world: World, commands: number, began: number): Promise<string[]> {
  const { cloud, stranger, history, violations, calls } = world
  history.add('test', 'the faults end, nothing is paused any more')
  cloud.clearFaults()
  await world.operators.running()
  for (const name of OBJECTS) await patch(world, name, { metadata: { annotations: { [ANNOTATIONS.paused]: null } } })

  const verdicts = await settled(world)
  fail(violations)
  const live = verdicts.size
  const seconds = (Date.now() - began) / 1000
  const limit = CALLS_PER_COMMAND * (commands + live) + CALLS_PER_OBJECT_SECOND * Math.max(1, live) * seconds
  if (calls.total > limit) violations.push(`${calls.total} calls to AWS for ${commands} commands in ${seconds} s`)

  history.add('test', 'rests')
  const restless = await rests(world, live)
  if (restless) violations.push(restless)
  violations.push(...(await stranger.complaints()), ...(await leftOver(world)))
  fail(violations)

  let left = verdicts
  for (let round = 0; round < MAX_REMEDIES && !allReady(left); round++) {
    await heal(world, left, `remedy ${round}`)
    left = await settled(world, left)
    fail(violations)
  }
  if (!allReady(left)) fail([`no remedy helps: ${JSON.stringify([...left])}`])

  history.add('test', 'deletes what is left')
  for (const object of await objects(world)) {
    const subject = world.subjects.find(({ uid }) => uid === object.metadata.uid)
    if (subject && !subject.deleted) {
      subject.deleted = true
      subject.retained = object.spec.deletionPolicy === 'Retain'
      await world.kube
        .delete(ASYNC_INFERENCE_ENDPOINTS, { namespace: world.namespace, name: object.metadata.name })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
    }
  }
  await settled(world)
  violations.push(...(await stranger.complaints()), ...(await leftOver(world)))
  fail(violations)
  return [...verdicts.values()].flatMap((verdict) => (verdict.state === 'resting' ? [verdict.reason] : []))
}

/** What is left: at once of what was finalized, and of orphans although there was time to sweep them up. */
async function leftOver(world: World): Promise<string[]> {
  // Where a look was answered from before the endpoint was made, only the sweep can know of it.
  const mayBeMissed = world.facts.has('answers may be stale')
  const leaked = mayBeMissed ? [] : await leftovers(world, false)
  if (leaked.length > 0) return leaked
  for (const end = Date.now() + SWEPT_MS; ; await delay(100)) {
    const left = [...(await leftovers(world, true)), ...(mayBeMissed ? await leftovers(world, false) : [])]
    if (left.length === 0 || Date.now() > end) return left
  }
}

const allReady = (verdicts: Map<string, Verdict>) => [...verdicts.values()].every(({ state }) => state === 'ready')

/**
 * Applies the remedies that the conditions name.
 * @param asked the annotations' value, another one each time
 */
async function heal(world: World, verdicts: Map<string, Verdict>, asked: string): Promise<void> {
  const { history, stranger, kube, namespace, image } = world
  history.add('test', 'applies the remedies')
  if (!image.pushed.has(image.tag) || image.tag === 'bad') {
    image.tag = '1'
    const change = { spec: { image: imageReference('1') } }
    await kube.mergePatch(MODEL_IMAGES, { namespace, name: 'sam-lite' }, change)
  }
  for (const subject of world.subjects) {
    const verdict = verdicts.get(subject.name)
    if (subject.deleted || verdict?.state !== 'resting') continue
    // No new image or spec mends an earlier revision.
    if ((await world.object(subject.name))?.spec.revision !== undefined)
      await patch(world, subject.name, { spec: { revision: null } })
    if (verdict.reason === 'NameTaken') await stranger.leaveName(subject.endpointName)
    else if (verdict.reason === 'ConfigInUseMissing') await stranger.deleteEndpoint(subject.endpointName)
    else {
      if (/^SmokeTest|^RollbackFailed|^DeferredUntilAwake/.test(verdict.reason)) await wake(world, subject)
      const annotations = { [ANNOTATIONS.retry]: asked, [ANNOTATIONS.smokeTest]: asked }
      await patch(world, subject.name, { metadata: { annotations } })
    }
  }
}

/** Lets an instance run, and starts it: requests would. */
async function wake(world: World, { name, endpointName }: Subject): Promise<void> {
  if ((await world.object(name))?.spec.scaling.maxInstances === 0)
    await patch(world, name, { spec: { scaling: { maxInstances: 1 } } })
  await world.stranger.wake(endpointName)
}

/** Waits for a while in which next to nothing is asked and nothing written; answers what was, if there is no such while. */
async function rests({ calls, ...world }: World, live: number): Promise<string | undefined> {
  const limit = CALLS_AT_REST * live + CALLS_FOR_THE_IMAGE
  let found = ''
  // What was changed behind the operator's back just before is still seen at the next look, and mended.
  for (let look = 0; look < MAX_LOOKS; look++) {
    const before = { calls: calls.total, versions: await versions(world) }
    await delay(IDLE_MS)
    const idle = calls.total - before.calls
    const written = (await versions(world)).filter((each) => !before.versions.includes(each))
    if (idle <= limit && written.length === 0) return undefined
    found = `no rest: ${idle} calls to AWS in ${IDLE_MS} ms, ${live} objects; written ${written.join(', ')}`
  }
  return found
}

async function versions(world: Parameters<typeof objects>[0]): Promise<string[]> {
  return (await objects(world)).map(({ metadata: { name, resourceVersion } }) => `${name} ${resourceVersion}`)
}

function fail(violations: string[]): void {
  if (violations.length > 0) throw new Error([...new Set(violations)].slice(0, 20).join('\n'))
}

async function report(world: World, error: unknown): Promise<string> {
  const left = await objects(world).catch(() => [])
  const by = [...world.calls.by].sort(([, a], [, b]) => b - a).map(([operation, count]) => `${operation} ${count}`)
  return [
    error instanceof Error ? (error.name === 'Error' ? error.message : error.stack) : String(error),
    `Subjects: ${world.subjects.map(({ name, endpointName, deleted, facts }) => `${name} ${endpointName}${deleted ? ' (deleted)' : ''} [${[...facts].join(', ')}]`).join('; ')}`,
    `Calls: ${by.join(', ')}`,
    ...left.map(
      (object) => `Object ${object.metadata.name}: ${JSON.stringify({ spec: object.spec, status: object.status })}`,
    ),
    `Cloud: ${JSON.stringify(world.cloud.state().sagemaker)}`,
  ].join('\n')
}
