import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import test from 'ava'
import { virtualClock } from '../../../../local/clock.ts'
import type { AsyncInferenceEndpoint } from '../../../../operator/api/async-inference-endpoint.ts'
import { cloudForFile, conditionOf, isTrue, type World, world } from '../world.ts'

const ECHO = join(import.meta.dirname, '..', '..', '..', 'local', 'fixtures', 'echo-server.ts')
const SECOND = 1000
const MINUTE = 60 * SECOND
const clock = virtualClock()
const cloud = await cloudForFile({
  clock,
  images: [{ repository: 'sam-lite', tag: '1.0.0', command: [process.execPath, ECHO], cwd: import.meta.dirname }],
  delays: { metricPeriod: MINUTE },
})
await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'smoke' }))
test.after.always(() => cloud.stop())

const asyncOutput = { output: { s3OutputPath: 's3://smoke/out/', s3FailurePath: 's3://smoke/failed/' } }
const HOURLY = { input: { inline: 'hello' }, contentType: 'text/plain', timeoutSeconds: 3600, intervalSeconds: 3600 }
const requests = async (w: World) => (await w.calls()).InvokeEndpointAsync

/** A minute passes with each look, but little while an answer is awaited or an endpoint is made: containers take real time. */
async function passing<T>(
  w: World,
  what: string,
  found: (endpoint: AsyncInferenceEndpoint) => T | undefined | false | Promise<T | undefined | false>,
  step = MINUTE,
): Promise<T> {
  return await w.until(what, async (endpoint) => {
    const answer = await found(endpoint)
    if (answer !== undefined && answer !== false) return answer
    const { smokeTest, instances } = endpoint.status ?? {}
    const answering = smokeTest?.result === 'Pending' && (instances?.current ?? 0) > 0
    await clock.advance(answering ? SECOND : step)
    return undefined
  })
}

const ready = (w: World) => passing(w, 'Ready', (endpoint) => isTrue(endpoint, 'Ready') && endpoint, SECOND)

async function hours(w: World, count: number): Promise<void> {
  const end = clock.now() + count * 60 * MINUTE
  await passing(w, `${count} hours`, () => clock.now() >= end)
}

const starting = () => world({ intervals: { inFlight: 100, settled: 100 }, now: clock.now })

test.serial('a schedule lets an endpoint go to zero, and leaves it there', async (t) => {
  const w = await starting()
  t.teardown(() => w.stop())
  // A target of one: the test's own request is as much backlog as one instance should have.
  const scaling = { minInstances: 0, maxInstances: 1, targetBacklogPerInstance: 1 }
  await w.apply({ spec: { async: asyncOutput, scaling, smokeTest: HOURLY } })
  await ready(w)
  const asleep = await passing(w, 'ScaledToZero', ({ status }) => status?.phase === 'ScaledToZero' && status)
  t.is(await requests(w), 1)
  await hours(w, 6)
  const endpoint = await w.endpoint()
  t.is(endpoint.status?.phase, 'ScaledToZero')
  t.true(isTrue(endpoint, 'Ready'))
  t.is(await requests(w), 1)
  t.is(endpoint.status?.smokeTest?.startedAt, asleep.smokeTest?.startedAt)
})

test.serial('an endpoint that is awake is tested each hour, and is Ready meanwhile', async (t) => {
  const w = await starting()
  t.teardown(() => w.stop())
  await w.apply({ spec: { async: asyncOutput, scaling: { minInstances: 1, maxInstances: 1 }, smokeTest: HOURLY } })
  const { lastTransitionTime } = conditionOf(await ready(w), 'Ready') ?? {}
  const started = clock.now()
  const endpoint = await passing(
    w,
    'a test after three hours',
    (seen) => Date.parse(seen.status?.smokeTest?.finishedAt ?? '') - started > 180 * MINUTE && seen,
  )
  t.like(endpoint.status?.smokeTest, { result: 'Passed', trigger: 'Schedule' })
  t.is(await requests(w), 4)
  t.is(conditionOf(endpoint, 'Ready')?.lastTransitionTime, lastTransitionTime)
})

test.serial(
  'one lost answer changes nothing; the second in a row is believed, and the first good one ends it',
  async (t) => {
    const w = await starting()
    t.teardown(() => w.stop())
    const scaling = { minInstances: 1, maxInstances: 1 }
    await w.apply({ spec: { async: asyncOutput, scaling, smokeTest: HOURLY } })
    const { lastTransitionTime } = conditionOf(await ready(w), 'Ready') ?? {}
    const lose = (times: number) =>
      cloud.setFault({
        operation: 'sagemaker-runtime.InvokeEndpointAsync',
        effect: 'error',
        code: 'ValidationException',
        message: 'lost',
        times,
      })

    lose(1)
    const lost = await passing(w, 'a failure', ({ status }) => status?.smokeTest?.failures === 1 && { status })
    t.like(lost.status?.smokeTest, { result: 'Passed', trigger: 'Schedule' })
    const good = await passing(w, 'its repetition', (endpoint) => !endpoint.status?.smokeTest?.failures && endpoint)
    t.is(conditionOf(good, 'Ready')?.lastTransitionTime, lastTransitionTime)

    lose(2)
    const failed = await passing(
      w,
      'the second',
      (endpoint) => endpoint.status?.smokeTest?.result === 'Failed' && endpoint,
    )
    t.like(failed.status?.smokeTest, { failures: 2 })
    t.like(conditionOf(failed, 'SmokeTestPassed'), { status: 'False', reason: 'SmokeTestFailed' })
    await passing(w, 'the third', (endpoint) => isTrue(endpoint, 'Ready'))
  },
)

test.serial(
  'at zero instances an update waits for its test until somebody asks, or wakes it where it may',
  async (t) => {
    const w = await starting()
    t.teardown(() => w.stop())
    const { intervalSeconds: _, ...once } = HOURLY
    await w.apply({ spec: { async: asyncOutput, scaling: { minInstances: 0, maxInstances: 1 }, smokeTest: once } })
    await ready(w)
    const asleep = () => passing(w, 'ScaledToZero', ({ status }) => status?.phase === 'ScaledToZero')
    await asleep()
    await w.patch({ spec: { environment: { LOG_LEVEL: 'debug' } } })
    const deferred = await passing(w, 'DeferredUntilAwake', (endpoint) => {
      const seen = conditionOf(endpoint, 'SmokeTestPassed')
      return seen?.reason === 'DeferredUntilAwake' && seen
    })
    t.is(deferred.status, 'Unknown')
    t.regex(deferred.message, /^Set the annotation mooring\.dev\/smoke-test to wake/)
    await hours(w, 1)
    t.is((await w.endpoint()).status?.phase, 'ScaledToZero')
    t.is(await requests(w), 1)

    const tested = (config: string | undefined) =>
      passing(w, 'tested', ({ status }) => {
        const { smokeTest } = status ?? {}
        return smokeTest?.endpointConfigName !== config && smokeTest?.result === 'Passed' && smokeTest
      })
    const first = (await w.endpoint()).status?.smokeTest?.endpointConfigName
    await w.annotate({ 'mooring.dev/smoke-test': 'now' })
    const woken = await tested(first)
    t.like(woken, { trigger: 'Updated', fromZero: true })
    const { durationMs = 0, latencyMs = 0 } = woken
    t.true(latencyMs < durationMs, `${latencyMs} of ${durationMs}`)

    await asleep()
    await w.patch({ spec: { environment: { LOG_LEVEL: 'warn' }, rollout: { wakeForSmokeTest: true } } })
    t.like(await tested(woken.endpointConfigName), { trigger: 'Updated', fromZero: true })
    t.is(await requests(w), 3)
  },
)
