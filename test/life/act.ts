import { setTimeout as delay } from 'node:timers/promises'
import type { AsyncInferenceEndpoint } from '../../operator/api/async-inference-endpoint.ts'
import { ANNOTATIONS, ASYNC_INFERENCE_ENDPOINTS, FINALIZER, MODEL_IMAGES } from '../../operator/api/names.ts'
import { isConflict, isNotFound, KubeError } from '../../operator/kube/errors.ts'
import { anEndpoint } from '../operator/api/manifests.ts'
import type { Command, ObjectName } from './commands.ts'
import { containers } from './containers.ts'
import { callFault, endpointFault, PERMANENT } from './faults.ts'
import { meddle } from './meddle.ts'
import { quiet } from './settle.ts'
import { type Fact, imageReference, subjectOf, type World } from './world.ts'

const QUIET_LIMIT_MS = 2_500
const SMOKE_TEST = { input: { inline: 'hello' }, contentType: 'text/plain', timeoutSeconds: 60 }
const STEP = { type: 'CapacityPercent', value: 50 }
const FALLBACK_TYPES = ['ml.g6.xlarge', 'ml.g4dn.xlarge']
const SCHEDULE = [{ name: 'morning', schedule: 'cron(0 8 ? * MON-FRI *)', minInstances: 1 }]
/** Those that begin a fault at rest would also meet what is the stranger's. */
const OF_ONE_ONLY: readonly string[] = ['endpoint.fails-in-service', 'endpoint.system-update']

/** Does what one command says. Commands on what is not there have no effect, so that a sequence stays one when it shrinks. */
export async function act(world: World, command: Command, step: number): Promise<void> {
  world.history.add('test', JSON.stringify(command))
  switch (command.do) {
    case 'create':
      return await create(world, command)
    case 'delete':
      return await remove(world, command.object)
    case 'environment':
      return await patch(world, command.object, { spec: { environment: { LEVEL: String(command.value) } } })
    case 'instance':
      return await patch(world, command.object, { spec: { instance: { type: command.type } } })
    case 'scaling':
      return await patch(world, command.object, {
        spec: { scaling: { minInstances: Math.min(command.min, command.max), maxInstances: command.max } },
      })
    case 'suspend':
      world.subject(command.object)?.facts.add('may be asleep')
      return await patch(world, command.object, { spec: { scaling: { minInstances: 0, maxInstances: 0 } } })
    case 'rollout':
      return await patch(world, command.object, {
        spec: {
          rollout: { strategy: command.strategy, onFailure: command.onFailure, waitIntervalSeconds: 0, step: STEP },
        },
      })
    case 'revision': {
      if (command.number > 0) world.subject(command.object)?.facts.add('revision may be missing')
      return await patch(world, command.object, { spec: { revision: command.number || null } })
    }
    case 'fallback': {
      const fallback = command.mode === 'none' ? null : { types: FALLBACK_TYPES, mode: command.mode }
      return await patch(world, command.object, { spec: { instance: { fallback } } })
    }
    case 'schedule':
      return await patch(world, command.object, { spec: { scaling: { schedule: command.on ? SCHEDULE : null } } })
    case 'topics':
      return await patch(world, command.object, {
        spec: { async: { notifications: command.on ? { createTopics: true } : null } },
      })
    case 'budget':
      return await patch(world, command.object, {
        spec: { budget: command.usd ? { monthlyUsd: command.usd } : null },
      })
    case 'strip-finalizer':
      return await stripFinalizer(world, command.object)
    case 'tags':
      return await patch(world, command.object, { spec: { tags: { colour: command.value } } })
    case 'smoke-test':
      return await patch(world, command.object, { spec: { smokeTest: command.on ? SMOKE_TEST : null } })
    case 'image':
      world.image.tag = command.tag
      if (command.tag === 'bad') world.facts.add('may be bad')
      return await ignoring(isNotFound, () =>
        world.kube.mergePatch(
          MODEL_IMAGES,
          { namespace: world.namespace, name: 'sam-lite' },
          { spec: { image: imageReference(command.tag) } },
        ),
      )
    case 'push':
      world.image.pushed.add(command.tag)
      return void world.cloud.registerImage({
        repository: 'sam-lite',
        tag: command.tag,
        command: [],
        port: await (command.tag === 'bad' ? containers.bad : containers.good),
        labels: { version: command.tag, push: String(step) },
      })
    case 'annotate':
      return await annotate(world, command.object, command.what, step)
    case 'call-fault':
      if (command.effect === 'stale') {
        if (world.stranger.hasTaken()) return
        world.facts.add('answers may be stale')
      }
      return world.cloud.setFault(callFault(command))
    case 'endpoint-fault': {
      const subject = world.subject(command.object)
      if (command.everywhere && !OF_ONE_ONLY.includes(command.name)) {
        explain(world.facts, command)
        return world.cloud.setFault(endpointFault(command, undefined))
      }
      if (!subject) return
      explain(subject.facts, command)
      return world.cloud.setFault(endpointFault(command, subject.endpointName))
    }
    case 'clear-faults':
      return world.cloud.clearFaults()
    case 'foreign': {
      const subject = world.subject(command.object)
      if (subject) await meddle(world, subject, command.act)
      return
    }
    case 'crash':
      return world.operators.crashAt({ calls: command.calls, side: command.side })
    case 'crash-now':
      return world.operators.crashNow(command.downMs)
    case 'restart':
      return await world.operators.restart()
    case 'jump':
      world.facts.add('time may run out')
      return world.clock.jump(command.ms)
    case 'wait':
      return await delay(command.ms)
    case 'settle': {
      for (const end = Date.now() + QUIET_LIMIT_MS; Date.now() < end && !(await quiet(world)); ) await delay(50)
    }
  }
}

async function create(world: World, command: Extract<Command, { do: 'create' }>): Promise<void> {
  const { kube, namespace, subjects } = world
  const manifest = anEndpoint(namespace, command.object)
  const spec = {
    ...(manifest.spec as object),
    scaling: { minInstances: command.min, maxInstances: command.max },
    recovery: { maxAttempts: command.attempts, backoffSeconds: 1, maxBackoffSeconds: 1 },
    deletionPolicy: command.retain ? 'Retain' : 'Delete',
    ...(command.tested ? { smokeTest: SMOKE_TEST } : {}),
  }
  await ignoring(isConflict, async () => {
    const made = await kube.create(ASYNC_INFERENCE_ENDPOINTS, { ...manifest, spec }, namespace)
    subjects.push(subjectOf(made as unknown as AsyncInferenceEndpoint, command.object))
  })
}

async function remove(world: World, name: ObjectName): Promise<void> {
  await ignoring(isNotFound, async () => {
    const object = await world.object(name)
    if (!object) return
    await world.kube.delete(ASYNC_INFERENCE_ENDPOINTS, { namespace: world.namespace, name })
    const subject = world.subject(name)
    if (!subject) return
    subject.deleted = true
    subject.stripped = !object.metadata.finalizers?.includes(FINALIZER)
    subject.retained = object.spec.deletionPolicy === 'Retain'
  })
}

/** As somebody in a hurry does: the object is gone at once, and what was made for it is an orphan. */
async function stripFinalizer(world: World, name: ObjectName): Promise<void> {
  const object = await world.object(name)
  const subject = world.subject(name)
  // Beside somebody else's endpoint of that name the collector leaves everything: it cannot know what that needs.
  if (!object || object.spec.deletionPolicy === 'Retain' || !subject || world.stranger.owns(subject.endpointName))
    return
  await remove(world, name)
  subject.stripped = true
  await patch(world, name, { metadata: { finalizers: [] } })
}

const VALUES = { retry: ANNOTATIONS.retry, 'smoke-test': ANNOTATIONS.smokeTest } as const

async function annotate(
  world: World,
  name: ObjectName,
  what: Extract<Command, { do: 'annotate' }>['what'],
  step: number,
): Promise<void> {
  const annotations =
    what === 'pause' || what === 'unpause'
      ? { [ANNOTATIONS.paused]: what === 'pause' ? 'true' : null }
      : { [VALUES[what]]: String(step) }
  await patch(world, name, { metadata: { annotations } })
}

/** Also refused: initialCount above the maximum, and edits that meet a deleted object. */
export async function patch(world: World, name: ObjectName, change: object): Promise<void> {
  await ignoring(
    (error) => error instanceof KubeError && [404, 409, 422].includes(error.code),
    () => world.kube.mergePatch(ASYNC_INFERENCE_ENDPOINTS, { namespace: world.namespace, name }, change),
  )
}

async function ignoring(expected: (error: unknown) => boolean, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!expected(error)) throw error
  }
}

/** What the fault may lead to. */
function explain(facts: Set<Fact>, { name, reason }: Extract<Command, { do: 'endpoint-fault' }>): void {
  const permanent = PERMANENT.includes(reason)
  switch (name) {
    case 'endpoint.update-fails':
      facts.add('update may fail')
      break
    case 'endpoint.rollback-fails':
      facts.add('rollback may fail')
      break
    case 'endpoint.create-fails':
    case 'endpoint.fails-in-service':
      facts.add(permanent ? 'may fail for good' : 'may fail')
      break
    case 'instance.capacity':
      facts.add('update may fail').add(permanent ? 'may fail for good' : 'may fail')
  }
}
