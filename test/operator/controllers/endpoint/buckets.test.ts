import { S3 } from '@aws-sdk/client-s3'
import { SageMaker } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import type { AsyncInferenceEndpointSpec } from '../../../../operator/api/async-inference-endpoint.ts'
import { namedBuckets } from '../../../../operator/controllers/endpoint/buckets.ts'
import { buckets } from '../../../../operator/providers/buckets.ts'
import { cloudForFile, conditionOf, endpointIn, makeBucket, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

const to = (bucket: string) => ({ async: { output: { s3OutputPath: `s3://${bucket}/out/` } } })
const signal = new AbortController().signal

/** The unmodified client of one region, and how often it was used. */
function seen(region: string, now: () => number = Date.now) {
  const s3 = new S3({ region, forcePathStyle: true })
  let calls = 0
  return {
    s3,
    calls: () => calls,
    buckets: buckets(
      region,
      {
        headBucket: (input, options) => {
          calls++
          return s3.headBucket(input, options)
        },
      },
      now,
    ),
  }
}

test('the buckets of a spec are those of its output, failures, model data and smoke test', (t) => {
  const spec = {
    async: { output: { s3OutputPath: 's3://out', s3FailurePath: 's3://failed/x/' } },
    modelDataUrl: 's3://models/a/model.tar.gz',
    smokeTest: { input: { s3Uri: 's3://tests/body.json' } },
  } as unknown as AsyncInferenceEndpointSpec
  t.deepEqual(
    namedBuckets(spec).map(({ bucket, inRegion }) => [bucket, inRegion]),
    [
      ['out', true],
      ['failed', true],
      ['models', true],
      ['tests', false],
    ],
  )
})

test('no endpoint is created for a bucket that is not there, until it is', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: to('late-bucket') })
  const condition = await w.until('BucketNotFound', (endpoint) => {
    const found = conditionOf(endpoint, 'ConfigReady')
    return found?.reason === 'BucketNotFound' && found
  })
  t.is(condition.status, 'False')
  t.regex(
    condition.message,
    /^Create the bucket late-bucket in us-east-1, or correct spec\.async\.output\.s3OutputPath/,
  )
  t.is((await w.calls()).CreateEndpointConfig, undefined)
  await makeBucket(cloud, 'late-bucket')
  await w.ready()
})

test('no endpoint is created for output in another region', async (t) => {
  const s3 = new S3({ region: 'eu-west-1', forcePathStyle: true })
  t.teardown(() => s3.destroy())
  await s3.createBucket({ Bucket: 'bucket-in-ireland' })
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: to('bucket-in-ireland') })
  const condition = await w.until('BucketInOtherRegion', (endpoint) => {
    const found = conditionOf(endpoint, 'ConfigReady')
    return found?.reason === 'BucketInOtherRegion' && found
  })
  t.regex(condition.message, /^Name a bucket in us-east-1 .* run the endpoint in eu-west-1/)
  t.is(endpointIn(cloud, await w.nameInCloud()), undefined)
})

test('an endpoint that serves goes on when a bucket goes, with a warning', async (t) => {
  await makeBucket(cloud, 'going')
  const w = await world({ intervals: { verify: 200, settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply({ spec: to('going') })
  await w.ready()
  await new S3({ forcePathStyle: true }).deleteBucket({ Bucket: 'going' })
  // A new process has not seen the bucket.
  await w.restart()
  await w.until('the warning', async () => (await w.events()).some(({ reason }) => reason === 'BucketNotFound'))
  t.is(conditionOf(await w.endpoint(), 'Ready')?.status, 'True')
})

test('an endpoint that serves is not updated to a bucket that is not there', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply()
  const before = (await w.ready()).status?.endpointConfigName
  await w.patch({ spec: to('not-there-yet') })
  await w.until('BucketNotFound', (endpoint) => conditionOf(endpoint, 'ConfigReady')?.reason === 'BucketNotFound')
  t.is(endpointIn(cloud, await w.nameInCloud())?.EndpointConfigName, before)
  t.is(conditionOf(await w.endpoint(), 'EndpointInService')?.status, 'True')
  await makeBucket(cloud, 'not-there-yet')
  const after = await w.until('the update', ({ status }) => status?.endpointConfigName !== before && status)
  t.not(after.endpointConfigName, before)
  await w.ready()
})

test('objects that share a bucket look at it once in ten minutes', async (t) => {
  let now = 0
  const { buckets: places, calls, s3 } = seen('us-east-1', () => now)
  t.teardown(() => s3.destroy())
  const looks = Array.from({ length: 20 }, () => places.look('mooring-demo', signal))
  for (const look of await Promise.all(looks)) t.is(look.kind, 'here')
  t.is(calls(), 1)
  now += 599_999
  await places.look('mooring-demo', signal)
  t.is(calls(), 1)
  now += 2
  await places.look('mooring-demo', signal)
  t.is(calls(), 2)
})

test('a bucket that was missing is looked at again soon', async (t) => {
  let now = 0
  const { buckets: places, s3 } = seen('us-east-1', () => now)
  t.teardown(() => s3.destroy())
  t.is((await places.look('soon-there', signal)).kind, 'absent')
  await makeBucket(cloud, 'soon-there')
  now += 10_001
  t.is((await places.look('soon-there', signal)).kind, 'here')
})

test.serial('an endpoint that serves is looked after while S3 does not answer', async (t) => {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  t.teardown(() => cloud.clearFaults())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  const before = endpointIn(cloud, name)?.CreationTime
  cloud.setFault({ operation: 's3.*', effect: 'error', status: 503 })
  // A new process has not seen the bucket.
  await w.restart()
  await new SageMaker().deleteEndpoint({ EndpointName: name })
  await w.until('the endpoint made anew', () => {
    const seen = endpointIn(cloud, name)
    return seen?.EndpointStatus === 'InService' && seen.CreationTime !== before
  })
  t.true(((await w.calls()).HeadBucket ?? 0) > 0)
})

test.serial('not being allowed to look is no reason to hold up; a failure of S3 is asked again', async (t) => {
  const { buckets: places, s3, calls } = seen('us-east-1')
  t.teardown(() => s3.destroy())
  t.teardown(() => cloud.clearFaults())
  cloud.setFault({ operation: 's3.HEAD', effect: 'error', code: 'AccessDenied', status: 403, times: 1 })
  t.is((await places.look('forbidden', signal)).kind, 'unknown')
  cloud.setFault({ operation: 's3.HEAD', effect: 'error', status: 500, times: 9 })
  await t.throwsAsync(places.look('mooring-demo', signal))
  cloud.clearFaults()
  t.is((await places.look('mooring-demo', signal)).kind, 'here')
  t.is(calls(), 3)
})
