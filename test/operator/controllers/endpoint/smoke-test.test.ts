import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import test from 'ava'
import { CONFIG_MAPS } from '../../kube/support.ts'
import { cloudForFile, conditionOf, isTrue, world } from '../world.ts'

const ECHO = join(import.meta.dirname, '..', '..', '..', 'local', 'fixtures', 'echo-server.ts')
const cloud = await cloudForFile({
  images: [{ repository: 'sam-lite', tag: '1.0.0', command: [process.execPath, ECHO], cwd: import.meta.dirname }],
})
const s3 = new S3Client({ forcePathStyle: true })
await s3.send(new CreateBucketCommand({ Bucket: 'smoke' }))
test.after.always(() => cloud.stop())

const output = (prefix: string) => ({
  async: { output: { s3OutputPath: `s3://smoke/${prefix}/out/`, s3FailurePath: `s3://smoke/${prefix}/failed/` } },
})
const requests = async (prefix: string) =>
  (await s3.send(new ListObjectsV2Command({ Bucket: 'smoke', Prefix: `${prefix}/` }))).KeyCount ?? 0

test('an endpoint is Ready only after it has answered a real request, which is sent once', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply({
    spec: {
      ...output('once'),
      smokeTest: { input: { inline: 'hello' }, contentType: 'text/plain', expect: { minBytes: 5 } },
    },
  })
  const endpoint = await w.ready()
  const { smokeTest } = endpoint.status ?? {}
  t.is(smokeTest?.result, 'Passed')
  t.regex(smokeTest?.outputLocation ?? '', /^s3:\/\/smoke\/once\/out\//)
  t.like(smokeTest, { trigger: 'Created', bytes: 5, endpointConfigName: endpoint.status?.endpointConfigName })
  t.truthy(smokeTest?.finishedAt)
  t.true((smokeTest?.durationMs ?? -1) >= 0)
  const { DescribeEndpoint: before = 0 } = await w.calls()
  await w.until('several more looks', async () => ((await w.calls()).DescribeEndpoint ?? 0) >= before + 3)
  t.is((await w.calls()).InvokeEndpointAsync, 1)
  t.is(await requests('once'), 1)

  await w.annotate({ 'mooring.dev/smoke-test': 'again' })
  await w.until(
    'another test',
    (seen) => seen.status?.smokeTest?.annotation !== smokeTest?.annotation && isTrue(seen, 'Ready'),
  )
  t.is((await w.calls()).InvokeEndpointAsync, 2)
  t.is((await w.endpoint()).status?.smokeTest?.trigger, 'Annotation')
})

test('an input in a ConfigMap that is not there is asked for, and taken as soon as it is', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  const input = { configMapKeyRef: { name: 'inputs', key: 'photo.bin' } }
  await w.apply({
    spec: { ...output('map'), smokeTest: { input, contentType: 'text/plain', expect: { maxBytes: 3 } } },
  })
  const missing = (what: RegExp) =>
    w.until(String(what), (endpoint) => {
      const seen = conditionOf(endpoint, 'SmokeTestPassed')
      return seen?.reason === 'SmokeTestInputMissing' && what.test(seen.message)
    })
  await missing(/^Apply a ConfigMap inputs in this namespace/)
  const key = { name: 'inputs', namespace: w.namespace }
  await w.kube.create(
    CONFIG_MAPS,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: key,
      binaryData: { large: Buffer.alloc(130_000).toString('base64') },
    },
    w.namespace,
  )
  await missing(/^Add the key photo\.bin to the ConfigMap inputs/)
  await w.patch({ spec: { smokeTest: { input: { configMapKeyRef: { key: 'large' } } } } })
  await missing(/has 130000 bytes, SageMaker takes 128000/)
  t.is((await w.calls()).InvokeEndpointAsync, undefined)
  await w.kube.mergePatch(CONFIG_MAPS, key, { binaryData: { 'photo.bin': 'AAEC' } })
  await w.patch({ spec: { smokeTest: { input } } })
  t.is((await w.ready()).status?.smokeTest?.bytes, 3)
})

test('an input in S3 is sent as it is', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: 'smoke', Key: 'input/body.txt', Body: 'from S3' }))
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({
    spec: { ...output('s3'), smokeTest: { input: { s3Uri: 's3://smoke/input/body.txt' }, contentType: 'text/plain' } },
  })
  await w.ready()
  t.is(await requests('s3'), 1)
})

test('an endpoint that answers with an error is in service, not Ready, and says what it answered', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({
    spec: {
      ...output('error'),
      smokeTest: {
        input: { inline: JSON.stringify({ status: 400, answer: 'no such task' }) },
        contentType: 'application/json',
      },
    },
  })
  const condition = await w.until('SmokeTestFailed', (endpoint) => {
    const seen = conditionOf(endpoint, 'SmokeTestPassed')
    return seen?.reason === 'SmokeTestFailed' && seen
  })
  t.regex(condition.message, /mooring\.dev\/smoke-test.*no such task/)
  const endpoint = await w.endpoint()
  t.true(isTrue(endpoint, 'EndpointInService'))
  t.like(conditionOf(endpoint, 'Ready'), { status: 'False', reason: 'SmokeTestFailed' })
  t.like(conditionOf(endpoint, 'Degraded'), { status: 'True' })
})

test('an answer that is too small is not taken for a good one', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({
    spec: {
      ...output('small'),
      smokeTest: { input: { inline: 'tiny' }, contentType: 'text/plain', expect: { minBytes: 1000 } },
    },
  })
  const condition = await w.until('SmokeTestFailed', (endpoint) => {
    const seen = conditionOf(endpoint, 'SmokeTestPassed')
    return seen?.reason === 'SmokeTestFailed' && seen
  })
  t.regex(condition.message, /The answer has 4 bytes; spec\.smokeTest\.expect\.minBytes is 1000/)
})

test('an answer that does not come in time fails the test, and says how long it was waited for', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({
    spec: {
      ...output('late'),
      smokeTest: {
        input: { inline: JSON.stringify({ sleepMs: 600_000 }) },
        contentType: 'application/json',
        timeoutSeconds: 10,
      },
    },
  })
  const condition = await w.until('SmokeTestFailed', (endpoint) => {
    const seen = conditionOf(endpoint, 'SmokeTestPassed')
    return seen?.reason === 'SmokeTestFailed' && seen
  })
  t.regex(condition.message, /No answer came within 10 s/)
})

test('what is expected of an answer in JSON and is not so is said, cut to length, all of it at once', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  const answer = JSON.stringify({ label: 'dog', secret: 'x'.repeat(300) })
  await w.apply({
    spec: {
      ...output('json'),
      smokeTest: {
        input: { inline: JSON.stringify({ answer }) },
        contentType: 'application/json',
        accept: 'application/json',
        expect: {
          maxBytes: 100,
          jsonPath: [
            { path: '$.label', equals: 'cat' },
            { path: '$.label', matches: '^(cat|dog)$' },
            { path: '$.secret', equals: 'y' },
          ],
        },
      },
    },
  })
  const failed = await w.until('Failed', ({ status }) => status?.smokeTest?.result === 'Failed' && status.smokeTest)
  t.is(
    failed.message,
    `The answer has ${answer.length} bytes; spec.smokeTest.expect.maxBytes is 100. $.label is “dog”, not “cat”. $.secret is “${'x'.repeat(80)}…”, not “y”.`,
  )
  await w.patch({ spec: { smokeTest: { expect: { maxBytes: 1000, jsonPath: [{ path: '$.label', equals: 'dog' }] } } } })
  await w.ready()
})

test('an answer that comes later than it may is too late, however right it is', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({
    spec: {
      ...output('slow'),
      smokeTest: {
        input: { inline: JSON.stringify({ sleepMs: 4000 }) },
        contentType: 'application/json',
        expect: { maxLatencySeconds: 1 },
      },
    },
  })
  const failed = await w.until('Failed', ({ status }) => status?.smokeTest?.result === 'Failed' && status.smokeTest)
  t.regex(failed.message ?? '', /^The answer took \d+ s; spec\.smokeTest\.expect\.maxLatencySeconds is 1\.$/)
  t.false(failed.fromZero)
})

test('a test of an error path passes by the refusal, and fails by an answer', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  const expect = { status: 'Failed', jsonPath: [{ path: '$.error', equals: 'no such task' }] }
  const inline = JSON.stringify({ status: 400, answer: '{"error": "no such task"}' })
  await w.apply({
    spec: {
      ...output('refusal'),
      smokeTest: { input: { inline }, contentType: 'application/json', expect },
    },
  })
  await w.ready()
  await w.patch({ spec: { smokeTest: { input: { inline: '{}' } } } })
  const condition = await w.until('SmokeTestFailed', (endpoint) => {
    const seen = conditionOf(endpoint, 'SmokeTestPassed')
    return seen?.reason === 'SmokeTestFailed' && seen
  })
  t.regex(condition.message, /answered the request; spec\.smokeTest\.expect\.status is Failed/)
})

test('the result before is kept while a new test is pending', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { ...output('kept'), smokeTest: { input: { inline: 'hello' }, contentType: 'text/plain' } } })
  await w.ready()
  await w.patch({ spec: { smokeTest: { input: { inline: JSON.stringify({ sleepMs: 600_000 }) } } } })
  const pending = await w.until('Pending', ({ status }) => status?.smokeTest?.result === 'Pending' && status.smokeTest)
  t.like(pending, { trigger: 'Updated', last: { result: 'Passed', trigger: 'Created', bytes: 5 } })
})
