import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parseAllDocuments } from 'yaml'
import { asyncInferenceEndpointSpec } from '../../../operator/api/async-inference-endpoint.ts'
import { modelImageSpec } from '../../../operator/api/model-image.ts'
import { type Manifest, testCluster } from '../../kubernetes.ts'
import { aModelImage, anEndpoint, withField } from './manifests.ts'

const SAMPLES = join(import.meta.dirname, '..', '..', '..', 'samples')
const SPECS = { ModelImage: modelImageSpec, AsyncInferenceEndpoint: asyncInferenceEndpointSpec }
const cluster = testCluster()
const namespace = await cluster.namespace('admission')

for (const file of globSync('**/*.yaml', { cwd: SAMPLES })) {
  const text = readFileSync(join(SAMPLES, file), 'utf8')
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest)
  for (const manifest of manifests.filter(({ kind }) => kind !== 'Namespace'))
    test(`the API server accepts the sample ${file}, and its defaults are those of the schema`, async (t) => {
      const outcome = await cluster.create(withField(manifest, 'metadata.namespace', namespace), { dryRun: true })
      if (!('accepted' in outcome)) return t.fail(outcome.refused)
      t.deepEqual(outcome.accepted.spec, SPECS[manifest.kind as keyof typeof SPECS].parse(manifest.spec))
    })
}

test('an endpoint with only what is required gets the documented defaults', async (t) => {
  const outcome = await cluster.create(anEndpoint(namespace), { dryRun: true })

  if (!('accepted' in outcome)) return t.fail(outcome.refused)
  t.like(outcome.accepted.spec, {
    instance: { initialCount: 1 },
    scaling: {
      minInstances: 0,
      maxInstances: 1,
      targetBacklogPerInstance: 5,
      scaleInCooldownSeconds: 300,
      scaleOutCooldownSeconds: 60,
    },
    recovery: { maxAttempts: 5, backoffSeconds: 30, maxBackoffSeconds: 1800 },
    deletionPolicy: 'Delete',
  })
})

test('a smoke test without a time limit gets ten minutes', async (t) => {
  const smokeTest = { input: { inline: '{}' }, contentType: 'application/json' }

  const outcome = await cluster.create(withField(anEndpoint(namespace), 'spec.smokeTest', smokeTest), { dryRun: true })

  if (!('accepted' in outcome)) return t.fail(outcome.refused)
  t.like(outcome.accepted.spec, { smokeTest: { timeoutSeconds: 600 } })
})

for (const [where, image] of [
  ['in a region of China', '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/team/sam-lite:1.0.0'],
  ['in a nested repository', '123456789012.dkr.ecr.us-east-1.amazonaws.com/team/vision__sam/lite.v2:2026-11-21_1'],
  ['by digest', `123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/sam-lite@sha256:${'0'.repeat(64)}`],
] as const)
  test(`an image ${where} is accepted`, async (t) => {
    const outcome = await cluster.create(withField(aModelImage(namespace), 'spec.image', image), { dryRun: true })
    t.true('accepted' in outcome, JSON.stringify(outcome))
  })

test('the region of an endpoint cannot change, and the refusal says what to do instead', async (t) => {
  const created = await cluster.create(anEndpoint(namespace, 'settled'))
  if (!('accepted' in created)) return t.fail(created.refused)

  const outcome = await cluster.replace(withField(created.accepted, 'spec.region', 'eu-west-1'))

  if (!('refused' in outcome)) return t.fail('it was accepted')
  t.regex(outcome.refused, /spec\.region.*cannot change: create a second object for the other region/)
})

test('everything but the region of an endpoint may change', async (t) => {
  const created = await cluster.create(anEndpoint(namespace, 'changing'))
  if (!('accepted' in created)) return t.fail(created.refused)
  const changed = withField(
    withField(created.accepted, 'spec.instance.type', 'ml.m5.xlarge'),
    'spec.imageRef.name',
    'b',
  )

  const outcome = await cluster.replace(changed)

  if (!('accepted' in outcome)) return t.fail(outcome.refused)
  t.is(outcome.accepted.metadata.generation, 2)
})

test('a write to the status changes neither spec nor generation, and a write to the spec no status', async (t) => {
  const manifest = anEndpoint(namespace, 'two-writers')
  await cluster.create(withField(manifest, 'status', { phase: 'Forged' }))
  t.is((await cluster.get(manifest)).status, undefined)

  await cluster.patchStatus(manifest, { phase: 'Creating' })

  const after = await cluster.get(manifest)
  t.is(after.metadata.generation, 1)
  t.deepEqual(after.status, { phase: 'Creating' })
})

test('conditions are one of a type: the API server refuses a second', async (t) => {
  const manifest = aModelImage(namespace, 'twice')
  await cluster.create(manifest)
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: '',
    lastTransitionTime: '2026-11-21T08:00:00Z',
    observedGeneration: 1,
  }

  const outcome = await cluster.patchStatus(manifest, { conditions: [condition, condition] })

  if (!('refused' in outcome)) return t.fail('it was accepted')
  t.regex(outcome.refused, /status\.conditions\[1\].*Duplicate/)
})

test('kubectl shows both kinds by their category, and an endpoint at a glance by its short name', async (t) => {
  const own = await cluster.namespace('columns')
  const endpoint = anEndpoint(own)
  await cluster.create(aModelImage(own))
  await cluster.create(endpoint)
  await cluster.patchStatus(endpoint, {
    phase: 'InService',
    shortDigest: '9f86d081884c',
    endpointName: 'vision-segment-0a1b2c3d',
    instances: { current: 1, desired: 1, min: 0, max: 3, summary: '1/1 (0-3)' },
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: '',
        lastTransitionTime: '2026-11-21T08:00:00Z',
        observedGeneration: 1,
      },
    ],
  })

  const [header, row] = (await cluster.kubectl('get', 'aie', '-n', own)).trim().split('\n')
  const wide = await cluster.kubectl('get', 'aie', '-n', own, '-o', 'wide')
  const names = await cluster.kubectl('get', 'mooring', '-n', own, '-o', 'name')

  t.deepEqual(header?.trim().split(/ {2,}/), ['NAME', 'READY', 'STATUS', 'INSTANCES', 'IMAGE', 'AGE'])
  t.deepEqual(row?.trim().split(/ {2,}/).slice(0, 5), ['segment', 'True', 'InService', '1/1 (0-3)', '9f86d081884c'])
  t.regex(wide, /vision-segment-0a1b2c3d +Ready/)
  t.deepEqual(names.trim().split('\n').sort(), [
    'asyncinferenceendpoint.mooring.dev/segment',
    'modelimage.mooring.dev/sam-lite',
  ])
})
