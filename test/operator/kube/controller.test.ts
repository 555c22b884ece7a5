import test, { type ExecutionContext } from 'ava'
import { freePort } from '../../../demo/local-cloud.ts'
import { startControlPlane } from '../../../local/control-plane/control-plane.ts'
import { connect } from '../../../operator/kube/client.ts'
import { type Controller, type ControllerOptions, controller, type Outcome } from '../../../operator/kube/controller.ts'
import { KubeError } from '../../../operator/kube/errors.ts'
import { informer } from '../../../operator/kube/informer.ts'
import { after, done, type Result, TerminalError } from '../../../operator/kube/result.ts'
import { workqueue } from '../../../operator/kube/workqueue.ts'
import { testCluster } from '../../kubernetes.ts'
import { CONFIG_MAPS, type ConfigMap, configMap, eventually, silent } from './support.ts'

const cluster = testCluster()
const client = connect({ kubeconfigPath: cluster.kubeconfigPath })

type Started = { controller: Controller; outcomes: Outcome[]; namespace: string; passes: ConfigMap[] }

async function started(
  t: ExecutionContext,
  reconcile: (object: ConfigMap, passes: ConfigMap[], signal: AbortSignal) => Promise<Result> | Result,
  options: Partial<ControllerOptions<ConfigMap>> = {},
): Promise<Started> {
  const namespace = await cluster.namespace()
  const objects = informer<ConfigMap>({ client, resource: CONFIG_MAPS, namespace, log: silent })
  const passes: ConfigMap[] = []
  const outcomes: Outcome[] = []
  const made = controller<ConfigMap>({
    name: 'test',
    informer: objects,
    queue: workqueue({ baseDelayMs: 5, maxDelayMs: 20 }),
    log: silent,
    metrics: { reconciled: (_name, outcome) => outcomes.push(outcome), depth: () => {} },
    async reconcile(object, signal) {
      // Every namespace has a ConfigMap of Kubernetes' own.
      if (object.metadata.name === 'kube-root-ca.crt') return done
      passes.push(object)
      return reconcile(object, passes, signal)
    },
    ...options,
  })
  objects.start()
  made.start()
  t.teardown(async () => {
    await made.stop()
    await objects.stop()
  })
  return { controller: made, outcomes, namespace, passes }
}

const create = (namespace: string, name: string) => client.create(CONFIG_MAPS, configMap(namespace, name), namespace)

test('an error is retried with backoff until it goes well', async (t) => {
  const { namespace, passes, outcomes } = await started(t, (_object, seen) => {
    if (seen.length < 4) throw new Error('not yet')
    return done
  })
  await create(namespace, 'a')
  await eventually('four passes', () => passes.length === 4)
  await eventually('three errors', () => outcomes.filter((outcome) => outcome === 'error').length === 3)
  t.pass()
})

test('a conflict is retried quietly, and a 404 ends the matter', async (t) => {
  const { namespace, passes, outcomes } = await started(t, (_object, seen) => {
    if (seen.length === 1) throw new KubeError(409, 'Conflict', 'the object has been modified')
    throw new KubeError(404, 'NotFound', 'gone')
  })
  await create(namespace, 'a')
  await eventually('two passes', () => passes.length === 2)
  await eventually('both counted', () => outcomes.includes('conflict'))
  t.false(outcomes.includes('error'))
})

test('an API server that asks for time gets it', async (t) => {
  let failedAt = 0
  const { namespace, passes } = await started(
    t,
    (_object, seen) => {
      if (seen.length > 1) return done
      failedAt = performance.now()
      throw new KubeError(429, 'TooManyRequests', 'too many requests', 1500)
    },
    { queue: workqueue({ baseDelayMs: 5 }) },
  )
  await create(namespace, 'a')
  await eventually('a second pass', () => passes.length === 2)
  t.true(performance.now() - failedAt >= 1490)
})

test('a listener to what is gone that throws is tried again, and the worker lives on', async (t) => {
  let calls = 0
  const { namespace, passes } = await started(t, () => done, {
    onGone: () => {
      if (++calls === 1) throw new Error('no')
    },
  })
  await create(namespace, 'a')
  await eventually('seen', () => passes.length > 0)
  await client.delete(CONFIG_MAPS, { namespace, name: 'a' })
  await eventually('told again', () => calls === 2)
  await create(namespace, 'b')
  await eventually('the next object', () => passes.some((object) => object.metadata.name === 'b'))
  t.pass()
})

test('a terminal error waits for a change of the object', async (t) => {
  const { namespace, passes, outcomes } = await started(t, (object) => {
    if (object.data?.fixed) return done
    throw new TerminalError('the role does not exist')
  })
  await create(namespace, 'a')
  await eventually('gave up', () => outcomes.includes('terminal'))
  const before = passes.length
  await client.mergePatch(CONFIG_MAPS, { namespace, name: 'a' }, { data: { fixed: 'yes' } })
  await eventually('looked again', () => passes.length > before)
  t.is(before, 1)
})

test('an object that asks to be looked at later is, without a change', async (t) => {
  const { namespace, passes } = await started(t, (_object, seen) => (seen.length < 3 ? after(10) : done))
  await create(namespace, 'a')
  await eventually('three passes', () => passes.length === 3)
  t.pass()
})

test('a pass gets a copy: what it does to it is not in the next one', async (t) => {
  const { namespace, passes } = await started(t, (object, seen) => {
    t.is(object.data?.scribble, undefined)
    object.data = { scribble: 'x' }
    return seen.length < 2 ? after(1) : done
  })
  await create(namespace, 'a')
  await eventually('two passes', () => passes.length === 2)
})

test('a deleted object is said to be gone, once', async (t) => {
  const gone: string[] = []
  const { namespace, passes } = await started(t, () => done, { onGone: (key) => gone.push(key) })
  await create(namespace, 'a')
  await eventually('seen', () => passes.length > 0)
  await client.delete(CONFIG_MAPS, { namespace, name: 'a' })
  await eventually('gone', () => gone.includes(`${namespace}/a`))
  t.is(gone.length, 1)
})

test('a pass that hangs is ended, and other objects go on meanwhile', async (t) => {
  const { namespace, passes, outcomes } = await started(
    t,
    (object, _seen, signal) => {
      if (object.metadata.name !== 'hangs') return done
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      )
    },
    { workers: 2, passTimeoutMs: 200 },
  )
  await create(namespace, 'hangs')
  await create(namespace, 'goes')
  await eventually('the other one', () => passes.some((object) => object.metadata.name === 'goes'))
  await eventually('ended', () => outcomes.includes('error'))
  t.pass()
})

test('stopping waits for the pass under way and tells it', async (t) => {
  let told = false
  const {
    controller: made,
    namespace,
    passes,
  } = await started(
    t,
    (_object, _seen, signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          told = true
          setTimeout(() => resolve(done), 50)
        }),
      ),
  )
  await create(namespace, 'a')
  await eventually('under way', () => passes.length === 1)
  await made.stop()
  t.true(told)
})

test('an API server that restarts is survived: what changes afterwards is worked on', async (t) => {
  const plane = await startControlPlane({ port: await freePort() })
  t.teardown(() => plane.stop())
  const own = connect({ kubeconfigPath: plane.kubeconfigPath })
  const objects = informer<ConfigMap>({
    client: own,
    resource: CONFIG_MAPS,
    namespace: 'default',
    log: silent,
    timing: { firstBackoffMs: 50, maxBackoffMs: 200 },
  })
  const passes: string[] = []
  const made = controller<ConfigMap>({
    name: 'restart',
    informer: objects,
    log: silent,
    async reconcile(object) {
      passes.push(object.metadata.name)
      return done
    },
  })
  objects.start()
  made.start()
  t.teardown(async () => {
    await made.stop()
    await objects.stop()
  })
  await own.create(CONFIG_MAPS, configMap('default', 'before'), 'default')
  await eventually('before', () => passes.includes('before'))
  await plane.restartApiServer()
  await own.create(CONFIG_MAPS, configMap('default', 'after'), 'default')
  await eventually('after', () => passes.includes('after'))
  t.truthy(objects.get('default/before'), 'what was there before the restart is there still')
})
