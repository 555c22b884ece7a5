import test from 'ava'
import fc from 'fast-check'
import { MODEL_IMAGES } from '../../../operator/api/names.ts'
import { connect } from '../../../operator/kube/client.ts'
import { KubeError } from '../../../operator/kube/errors.ts'
import { addFinalizer, removeFinalizer } from '../../../operator/kube/finalizer.ts'
import { microTime, recorder } from '../../../operator/kube/recorder.ts'
import { mergeDifference, patchStatusIfChanged } from '../../../operator/kube/status.ts'
import type { KubeObject } from '../../../operator/kube/types.ts'
import { testCluster } from '../../kubernetes.ts'
import { silent } from './support.ts'

const cluster = testCluster()
const client = connect({ kubeconfigPath: cluster.kubeconfigPath })
const FINALIZER = 'mooring.dev/test'

type Image = KubeObject<{ image: string }, { digest?: string; sizeBytes?: number; entrypoint?: string[] }>

async function image(): Promise<Image> {
  const namespace = await cluster.namespace()
  const manifest = {
    apiVersion: 'mooring.dev/v1alpha1',
    kind: 'ModelImage',
    metadata: { namespace, name: 'image' },
    spec: { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1' },
  }
  return client.create<Image>(MODEL_IMAGES, manifest, namespace)
}

const again = (object: Image) =>
  client.get<Image>(MODEL_IMAGES, { namespace: object.metadata.namespace ?? '', name: 'image' })

test('a status that has not changed is not written', async (t) => {
  const object = await image()
  t.false(await patchStatusIfChanged(client, MODEL_IMAGES, object.status, { ...object, status: {} }))
  t.is((await again(object)).metadata.resourceVersion, object.metadata.resourceVersion)
})

test('a status write on an object that somebody changed meanwhile is a conflict, and nothing is written', async (t) => {
  const object = await image()
  await client.mergePatch(
    MODEL_IMAGES,
    { namespace: object.metadata.namespace ?? '', name: 'image' },
    { metadata: { labels: { a: 'b' } } },
  )
  const error = await t.throwsAsync(
    patchStatusIfChanged(client, MODEL_IMAGES, object.status, { ...object, status: { sizeBytes: 1 } }),
    { instanceOf: KubeError },
  )
  t.is(error?.code, 409)
  t.is((await again(object)).status?.sizeBytes, undefined)
})

test('what is no longer in the status is taken away, and lists are replaced whole', async (t) => {
  const object = await image()
  await patchStatusIfChanged(client, MODEL_IMAGES, {}, { ...object, status: { sizeBytes: 1, entrypoint: ['a', 'b'] } })
  const seen = await again(object)
  t.true(await patchStatusIfChanged(client, MODEL_IMAGES, seen.status, { ...seen, status: { entrypoint: ['c'] } }))
  t.deepEqual((await again(object)).status, { entrypoint: ['c'] })
})

test('a merge patch made from two states turns the one into the other', (t) => {
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.array(fc.integer(), { maxLength: 3 }),
      tie('record'),
    ),
    record: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('node'), { noNullPrototype: true }),
  })).record
  fc.assert(
    fc.property(value, value, (before, after) => {
      const patch = mergeDifference(before, after)
      t.deepEqual(patch === undefined ? before : merge(before, patch), after)
    }),
  )
  t.pass()
})

/** RFC 7396, section 2. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merge(result[key], value)
  }
  return result
}

test('a finalizer is added once, beside those of others, and holds the object until it is removed', async (t) => {
  let object = await image()
  await client.mergePatch(
    MODEL_IMAGES,
    { namespace: object.metadata.namespace ?? '', name: 'image' },
    { metadata: { finalizers: ['other.dev/x'] } },
  )
  object = await again(object)
  await addFinalizer(client, MODEL_IMAGES, object, FINALIZER)
  object = await again(object)
  await addFinalizer(client, MODEL_IMAGES, object, FINALIZER)
  t.deepEqual(object.metadata.finalizers, ['other.dev/x', FINALIZER])
  await client.delete(MODEL_IMAGES, { namespace: object.metadata.namespace ?? '', name: 'image' })
  object = await again(object)
  t.truthy(object.metadata.deletionTimestamp)
  await removeFinalizer(client, MODEL_IMAGES, object, FINALIZER)
  t.deepEqual((await again(object)).metadata.finalizers, ['other.dev/x'])
})

test("a finalizer write that would undo somebody else's is a conflict", async (t) => {
  const object = await image()
  await client.mergePatch(
    MODEL_IMAGES,
    { namespace: object.metadata.namespace ?? '', name: 'image' },
    { metadata: { finalizers: ['other.dev/x'] } },
  )
  const error = await t.throwsAsync(addFinalizer(client, MODEL_IMAGES, object, FINALIZER), { instanceOf: KubeError })
  t.is(error?.code, 409)
  t.deepEqual((await again(object)).metadata.finalizers, ['other.dev/x'])
})

test('an event is recorded once, and again when something else is said or enough time has passed', async (t) => {
  const object = await image()
  let now = Date.now()
  const events = recorder({ client, component: 'mooring.dev/operator', instance: 'test', log: silent, now: () => now })
  const say = (note: string) => events.event(object, 'Warning', 'EndpointFailed', note)
  say('it failed')
  say('it failed')
  say('it failed otherwise')
  now += 3_600_000
  say('it failed')
  await events.flush()
  const listed = await cluster.kubectl(
    'get',
    'events.events.k8s.io',
    '-n',
    object.metadata.namespace ?? '',
    '-o',
    'json',
  )
  const notes = (JSON.parse(listed) as { items: { note: string }[] }).items.map((event) => event.note).sort()
  t.deepEqual(notes, ['it failed', 'it failed', 'it failed otherwise'])
  t.true(
    (await cluster.kubectl('describe', 'modelimage', 'image', '-n', object.metadata.namespace ?? '')).includes(
      'it failed otherwise',
    ),
  )
})

test('an event that cannot be recorded harms nobody, and a long note is cut', async (t) => {
  const object = await image()
  const warnings: string[] = []
  const log = { ...silent, warn: (_fields: object, message: string) => warnings.push(message) }
  const events = recorder({ client, component: 'mooring.dev/operator', instance: 'test', log })
  events.event(object, 'Normal', 'Long', 'ä'.repeat(5000))
  events.event({ ...object, metadata: { ...object.metadata, namespace: 'no-such-namespace' } }, 'Normal', 'Lost', 'x')
  await events.flush()
  t.is(warnings.length, 1)
})

test('MicroTime has six digits, which the API server insists on', (t) => {
  t.is(microTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6)), '2026-01-02T03:04:05.006000Z')
})
