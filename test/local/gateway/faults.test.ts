import { ListTagsForResourceCommand } from '@aws-sdk/client-cloudwatch'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { DescribeModelCommand, ListEndpointsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker'
import { ListTopicsCommand } from '@aws-sdk/client-sns'
import { ListQueuesCommand } from '@aws-sdk/client-sqs'
import test from 'ava'
import { faultBoard } from '../../../local/faults.ts'
import { pastAnswers } from '../../../local/gateway/past-answers.ts'
import { storage } from '../../../local/services/storage/storage.ts'
import { cloudWithClients, endpointInService } from '../cloud-clients.ts'

/** The same numbers for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('a model that was just created is not there yet for a stale read, and is once the fault is used up', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const describe = () => aws.sagemaker.send(new DescribeModelCommand({ ModelName: 'ep' }))
  const missing = { name: 'ValidationException', message: /^Could not find model "/ }
  await t.throwsAsync(describe(), missing)
  await endpointInService(aws)
  cloud.setFault({ operation: 'sagemaker.DescribeModel', effect: 'stale', times: 1 })
  await t.throwsAsync(describe(), missing)
  t.is((await describe()).ModelName, 'ep')
})

test('a stale read gives the answer from before the newest change, also where that was an error', (t) => {
  const past = pastAnswers(2)
  const error = new Error('not there')
  const read = (now: Parameters<typeof past.before>[2], name = 'a') => past.before('Describe', { name }, now)
  t.deepEqual(read({ error }), { error })
  t.deepEqual(read({ output: { at: 1 } }), { error })
  t.deepEqual(read({ output: { at: 1 } }), { error })
  t.deepEqual(read({ output: { at: 2 } }), { output: { at: 1 } })
  t.deepEqual(read({ output: { other: 1 } }, 'b'), { output: { other: 1 } }, 'without a past, what is now')
  read({ output: {} }, 'c')
  t.deepEqual(read({ output: { at: 3 } }), { output: { at: 3 } }, 'the least recently read is forgotten')
})

test('a fault of some probability meets that share of the calls, the same ones for the same seed', (t) => {
  const run = (seed: number) => {
    const board = faultBoard(seeded(seed))
    board.set({ operation: 'sagemaker.*', effect: 'throttle', probability: 0.3 })
    return Array.from({ length: 1000 }, () => board.onCall('sagemaker', 'ListEndpoints').error !== undefined)
  }
  const met = run(1).filter(Boolean).length
  t.true(met > 200 && met < 400, `${met} of 1000`)
  t.deepEqual(run(1), run(1))
  t.notDeepEqual(run(1), run(2))
})

test('a named fault strikes its subject only, as often as was said', (t) => {
  const board = faultBoard()
  board.set({ name: 'endpoint.create-fails', subject: 'a', times: 1, reason: 'CapacityError' })
  t.is(board.hit('endpoint.create-fails', 'b'), undefined)
  t.is(board.hit('endpoint.update-fails', 'a'), undefined)
  t.like(board.hit('endpoint.create-fails', 'a'), { reason: 'CapacityError' })
  t.is(board.hit('endpoint.create-fails', 'a'), undefined)
})

test('a delay comes before the answer, and leaves it as it is', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  cloud.setFault({ operation: 'sagemaker.ListModels', effect: 'delay', delayMs: 300, times: 1 })
  const start = performance.now()
  t.deepEqual((await aws.sagemaker.send(new ListModelsCommand({}))).Models, [])
  t.true(performance.now() - start >= 290)
})

test('a fault on calls that has a subject meets those that mention it', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  cloud.setFault({ operation: 'sagemaker.DescribeModel', subject: 'this', effect: 'throttle' })
  cloud.setFault({ operation: 's3.PUT', subject: 'this', effect: 'error', code: 'AccessDenied' })
  const describe = (ModelName: string) => aws.sagemaker.send(new DescribeModelCommand({ ModelName }))
  await t.throwsAsync(describe('this'), { name: 'ThrottlingException' })
  await t.throwsAsync(describe('that'), { name: 'ValidationException' })
  await t.throwsAsync(aws.s3.send(new CreateBucketCommand({ Bucket: 'this' })))
  await t.notThrowsAsync(aws.s3.send(new CreateBucketCommand({ Bucket: 'that' })))
})

test('S3, SNS and SQS meet faults by operation too, and S3 by method', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  cloud.setFault({ operation: 'sns.ListTopics', effect: 'throttle', times: 1 })
  cloud.setFault({ operation: 'sqs.ListQueues', effect: 'drop', times: 1 })
  cloud.setFault({ operation: 's3.PUT', effect: 'drop-response', times: 1 })
  await t.throwsAsync(aws.sns.send(new ListTopicsCommand({})))
  await t.throwsAsync(aws.sqs.send(new ListQueuesCommand({})))
  const object = { Bucket: 'bucket', Key: 'k' }
  await t.throwsAsync(aws.s3.send(new PutObjectCommand({ ...object, Body: 'kept' })))
  t.is(await (await aws.s3.send(new GetObjectCommand(object))).Body?.transformToString(), 'kept')
  await aws.sns.send(new ListTopicsCommand({}))
  await aws.sqs.send(new ListQueuesCommand({}))
  t.deepEqual(
    cloud.calls().map(({ service, operation }) => `${service}.${operation}`),
    ['s3.PUT', 'sns.ListTopics', 'sqs.ListQueues', 's3.PUT', 's3.GET', 'sns.ListTopics', 'sqs.ListQueues'],
  )
})

test('the SDK rides out a throttle and a dropped connection by itself: three attempts, one answer', async (t) => {
  const { cloud } = await cloudWithClients(t)
  const { SageMakerClient } = await import('@aws-sdk/client-sagemaker')
  const sagemaker = new SageMakerClient({
    endpoint: cloud.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  t.teardown(() => sagemaker.destroy())
  cloud.setFault({ operation: 'sagemaker.ListEndpoints', effect: 'throttle', times: 1 })
  await sagemaker.send(new ListEndpointsCommand({}))
  cloud.setFault({ operation: 'sagemaker.ListEndpoints', effect: 'drop', times: 1 })
  await sagemaker.send(new ListEndpointsCommand({}))
  t.deepEqual(
    cloud.calls().map(({ code }) => code),
    ['ThrottlingException', 'OK', 'Dropped', 'OK'],
  )
})

test('an upload that its client breaks off leaves no object, and the next one is stored', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const url = `${cloud.url}/bucket/broken`
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(1024))
    },
  })
  await t.throwsAsync(fetch(url, { method: 'PUT', body, duplex: 'half', signal: AbortSignal.timeout(200) }))
  await t.throwsAsync(aws.s3.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'broken' })), { name: 'NotFound' })
  t.is((await fetch(url, { method: 'PUT', body: 'whole' })).status, 200)
  t.is((await aws.s3.send(new ListBucketsCommand({}))).Buckets?.length, 1)
})

test("results beyond the S3 emulator's request limit are stored whole; what is not there is undefined", async (t) => {
  const stored = await storage('us-east-1', '123456789012')
  t.teardown(() => stored.stop())
  const { S3Client } = await import('@aws-sdk/client-s3')
  const s3 = new S3Client({
    endpoint: `http://${stored.host}:${stored.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  })
  t.teardown(() => s3.destroy())
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const large = Buffer.alloc(20 * 1024 * 1024 + 1, 'abc')
  await stored.objects.put('s3://bucket/out/large.ply', large, 'model/ply')
  const read = await stored.objects.get('s3://bucket/out/large.ply')
  t.is(Buffer.compare(read?.body ?? new Uint8Array(), large), 0)
  t.is(read?.contentType, 'model/ply')
  t.is(await stored.objects.get('s3://bucket/none'), undefined)
  t.is(await stored.objects.get('s3://no-such-bucket/none'), undefined)
  await t.throwsAsync(stored.objects.put('s3://no-such-bucket/k', large, 'x/y'))
})

test('an alarm that is not there has no tags to list', async (t) => {
  const { aws } = await cloudWithClients(t)
  const ResourceARN = 'arn:aws:cloudwatch:us-east-1:123456789012:alarm:none'
  await t.throwsAsync(aws.cloudwatch.send(new ListTagsForResourceCommand({ ResourceARN })), {
    name: 'ResourceNotFoundException',
  })
})

test('a client that goes before its answer comes is no failure of the local cloud', async (t) => {
  const errors: string[] = []
  const { cloud, aws } = await cloudWithClients(t, { onError: (error, what) => errors.push(`${what}: ${error}`) })
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  for (const method of ['HEAD', 'GET'])
    for (let delayMs = 0; delayMs < 20; delayMs++)
      await fetch(`${cloud.url}/bucket`, { method, signal: AbortSignal.timeout(delayMs) }).catch(() => {})
  t.is((await fetch(`${cloud.url}/bucket`, { method: 'HEAD' })).status, 200)
  t.deepEqual(errors, [])
})
