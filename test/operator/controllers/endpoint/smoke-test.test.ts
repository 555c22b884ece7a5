import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import test from 'ava'
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
  t.true((smokeTest?.durationMs ?? -1) >= 0)
  const { DescribeEndpoint: before = 0 } = await w.calls()
  await w.until('several more looks', async () => ((await w.calls()).DescribeEndpoint ?? 0) >= before + 3)
  t.is((await w.calls()).InvokeEndpointAsync, 1)
  t.is(await requests('once'), 1)

  await w.annotate({ 'mooring.dev/smoke-test': 'again' })
  await w.until(
    'another test',
    (seen) => seen.status?.smokeTest?.revision !== smokeTest?.revision && isTrue(seen, 'Ready'),
  )
  t.is((await w.calls()).InvokeEndpointAsync, 2)
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
  t.regex(condition.message, /no such task.*mooring\.dev\/smoke-test/)
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
