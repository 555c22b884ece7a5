import test from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import type { JsonObject } from '../../../local/service.ts'
import { ACCOUNT, eventually, topic, type World, world } from '../sagemaker/world.ts'

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
const topics = { SuccessTopic: topic('good'), ErrorTopic: topic('bad') }
const output = { S3OutputPath: 's3://bucket/out/', S3FailurePath: 's3://bucket/failed', NotificationConfig: topics }
const refused = (message: string | RegExp) => ({ name: 'ValidationError', message })

/** An asynchronous endpoint `a` that runs the echo container. */
async function echo(w: World, config: JsonObject = { OutputConfig: output }): Promise<void> {
  await w.endpoint('a', { repository: 'echo', async: config })
  w.published.splice(0)
}
const invoke = (w: World, order: object | string, of: JsonObject = {}) =>
  w.call('InvokeEndpointAsync', {
    EndpointName: 'a',
    Body: Buffer.from(typeof order === 'string' ? order : JSON.stringify(order)),
    ...of,
  })
const message = (w: World, inferenceId: unknown) =>
  eventually(
    () => w.published.find((each) => each.message.inferenceId === inferenceId),
    `the message about ${inferenceId}`,
  )
const object = (w: World, uri: unknown) => eventually(() => w.objects.get(String(uri)), `the object ${uri}`)
const text = (body: Uint8Array) => Buffer.from(body).toString()

test('a request is read from S3, answered by the container, written to S3 and announced', async (t) => {
  const w = world(t)
  await echo(w, {
    OutputConfig: {
      ...output,
      NotificationConfig: { ...topics, IncludeInferenceResponseIn: ['SUCCESS_NOTIFICATION_TOPIC'] },
    },
  })
  w.objects.set('s3://in/photo.jpg', { body: Buffer.from('a photo') })
  const accepted = await w.call('InvokeEndpointAsync', {
    EndpointName: 'a',
    InputLocation: 's3://in/photo.jpg',
    ContentType: 'image/jpeg',
    Accept: 'text/plain',
    InferenceId: 'mine',
  })
  t.is(accepted.InferenceId, 'mine')
  t.regex(String(accepted.OutputLocation), new RegExp(`^s3://bucket/out/${UUID}\\.out$`))
  t.regex(String(accepted.FailureLocation), new RegExp(`^s3://bucket/failed/${UUID}-error\\.out$`))
  const result = await object(w, accepted.OutputLocation)
  t.is(text(result.body), 'a photo')
  t.is(result.contentType, 'text/plain')
  const { topic: where, message: told } = await message(w, 'mine')
  t.is(where, topic('good'))
  const { eventTime, receivedTime, ...rest } = told
  t.true(Date.parse(String(eventTime)) >= Date.parse(String(receivedTime)))
  t.deepEqual(rest, {
    awsRegion: 'us-east-1',
    invocationStatus: 'Completed',
    requestParameters: {
      accept: 'text/plain',
      contentType: 'image/jpeg',
      endpointName: 'a',
      inputLocation: 's3://in/photo.jpg',
    },
    responseParameters: { contentType: 'text/plain', outputLocation: accepted.OutputLocation },
    responseBody: {
      content: Buffer.from('a photo').toString('base64'),
      message: 'Check S3 path location(if configured) or Cloudwatch for additional details.',
      encoding: 'BASE64',
    },
    inferenceId: 'mine',
    eventVersion: '1.0',
    eventSource: 'aws:sagemaker',
    eventName: 'InferenceResult',
  })
  t.false(w.objects.has(String(accepted.FailureLocation)))
})

test('an answer that is an error goes to the failure path, the error topic and the data log', async (t) => {
  const w = world(t)
  await echo(w)
  const accepted = await invoke(w, { status: 500, answer: '{"error":"no memory"}' })
  const { topic: where, message: told } = await message(w, accepted.InferenceId)
  t.is(where, topic('bad'))
  t.like(told, {
    invocationStatus: 'Failed',
    failureReason:
      'ClientError: Received server error (500) from model. See the SageMaker Endpoint logs in your account for more information.',
    requestParameters: { endpointName: 'a', inputLocation: undefined },
    responseParameters: { failureLocation: accepted.FailureLocation },
    eventName: 'InferenceResult',
  })
  t.is(text((await object(w, accepted.FailureLocation)).body), '{"error":"no memory"}')
  t.false(w.objects.has(String(accepted.OutputLocation)))
  t.true(w.streams('a').some((stream) => /^AllTraffic\/i-[0-9a-f]{17}\/data-log$/.test(stream)))
  const logged = w.lines('a').find((line) => line.includes('[sagemaker logs]')) ?? ''
  t.regex(
    logged,
    new RegExp(
      `^\\d{4}-\\d\\d-\\d\\dT[\\d:.]{12}:\\[sagemaker logs\\] \\[${accepted.InferenceId}\\] Received server error \\(500\\) from primary with message "`,
    ),
  )
})

test('an input that is not there, a chunked answer, long headers, a late answer and a refused upload each fail in words', async (t) => {
  const w = world(t)
  await echo(w)
  const failed = async (accepted: JsonObject, reason: RegExp) => {
    const { message: told } = await message(w, accepted.InferenceId)
    t.is(told.invocationStatus, 'Failed')
    t.regex(String(told.failureReason), reason)
    t.regex(text((await object(w, accepted.FailureLocation)).body), reason)
  }
  const absent = { EndpointName: 'a', InputLocation: 's3://in/none' }
  await failed(
    await w.call('InvokeEndpointAsync', absent),
    /^ClientError: Failed to download the request from s3:\/\/in\/none/,
  )
  await failed(await invoke(w, { chunked: true, answer: 'x' }), /did not specify the required Content-Length header$/)
  await failed(await invoke(w, { headerBytes: 5000 }), /headers with length greater than 4096 bytes/)
  await failed(
    await invoke(w, { sleepMs: 60_000 }, { InvocationTimeoutSeconds: 1 }),
    /did not respond within 1 seconds/,
  )
  const names = new Set(w.metrics.map((metric) => metric.name))
  for (const name of [
    'RequestDownloadFailures',
    'InvocationFailures',
    'InvocationsProcessed',
    'InvocationsProcesssed',
    'ModelLatency',
    'TimeInBacklog',
    'TotalProcessingTime',
  ])
    t.true(names.has(name), name)
})

test('an output that S3 refuses fails the request', async (t) => {
  const w = world(t)
  await echo(w, { OutputConfig: { ...output, S3OutputPath: 's3://refused/out' } })
  const accepted = await invoke(w, 'x')
  t.regex(
    String((await message(w, accepted.InferenceId)).message.failureReason),
    /^ClientError: Failed to upload the response/,
  )
})

test('file name and path extension choose the key', async (t) => {
  const w = world(t)
  await echo(w)
  const accepted = await invoke(w, 'x', { Filename: 'rooms.json', S3OutputPathExtension: '/floor/1/' })
  t.is(accepted.OutputLocation, 's3://bucket/out/floor/1/rooms.json')
  t.is(text((await object(w, 's3://bucket/out/floor/1/rooms.json')).body), 'x')
})

test('a request is refused for its input, and for an endpoint that is absent, coming or real-time', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  const notFound = (name: string) => refused(`Endpoint ${name} of account ${ACCOUNT} not found.`)
  const inputs: [JsonObject, RegExp][] = [
    [{}, /Exactly one of InputLocation and Body/],
    [{ InputLocation: 's3://in/x', Body: Buffer.from('x') }, /Exactly one of InputLocation and Body/],
    [{ Body: Buffer.alloc(128_001) }, /128000/],
    [{ InputLocation: 'in/x' }, /InputLocation/],
    [{ Body: Buffer.from('x'), RequestTTLSeconds: 59 }, /between 60 and 21600/],
    [{ Body: Buffer.from('x'), InvocationTimeoutSeconds: 3601 }, /between 1 and 3600/],
    [{ Body: Buffer.from('x'), InferenceId: 'x'.repeat(65) }, /InferenceId/],
    [{ Body: Buffer.from('x'), Filename: 'x'.repeat(33) }, /Filename/],
    [{ Body: Buffer.from('x'), CustomAttributes: 'é' }, /CustomAttributes/],
  ]
  for (const [input, message] of inputs)
    await t.throwsAsync(w.call('InvokeEndpointAsync', { EndpointName: 'a', ...input }), refused(message))
  await t.throwsAsync(invoke(w, 'x', { EndpointName: 'none' }), notFound('none'))
  await t.throwsAsync(invoke(w, 'x', { EndpointName: 'A' }), notFound('A'))
  await t.throwsAsync(
    w.call('InvokeEndpoint', { EndpointName: 'a', Body: Buffer.from('x') }),
    refused(/only accepts asynchronous invocations/),
  )
  w.faults.set({ name: 'endpoint.stuck-creating' })
  await w.call('CreateEndpoint', { EndpointName: 'coming', EndpointConfigName: 'a' })
  await t.throwsAsync(invoke(w, 'x', { EndpointName: 'coming' }), notFound('coming'))
  w.faults.clear()
  await w.endpoint('sync', { async: false })
  await t.throwsAsync(invoke(w, 'x', { EndpointName: 'sync' }), refused(/use InvokeEndpoint\.$/))
})

test('requests wait at no instance and are answered once there is one', async (t) => {
  const w = world(t)
  await echo(w)
  w.sagemaker.setDesired('a', 'AllTraffic', 0)
  await w.until('a', 'InService')
  const accepted = await Promise.all(['1', '2', '3'].map((body) => invoke(w, body)))
  t.deepEqual(w.runtime.state(), { queues: [{ endpointName: 'a', waiting: 3, running: 0 }] })
  w.sagemaker.setDesired('a', 'AllTraffic', 1)
  for (const each of accepted) await object(w, each.OutputLocation)
})

test('an instance gets as many requests at once as the configuration allows', async (t) => {
  const w = world(t)
  await echo(w, { OutputConfig: output, ClientConfig: { MaxConcurrentInvocationsPerInstance: 2 } })
  const accepted = await Promise.all([1, 2, 3, 4, 5].map((sleepMs) => invoke(w, { sleepMs: 500 + sleepMs })))
  t.deepEqual(w.runtime.state(), { queues: [{ endpointName: 'a', waiting: 3, running: 2 }] })
  for (const each of accepted) await object(w, each.OutputLocation)
})

test('a request whose instance dies is answered by its replacement', async (t) => {
  const w = world(t)
  await echo(w)
  const accepted = await invoke(w, { sleepMs: 1500, answer: 'done' })
  w.faults.set({ name: 'instance.kill', times: 1 })
  t.is(text((await object(w, accepted.OutputLocation)).body), 'done')
  t.is(w.lines('a').filter((line) => line === 'started with serve').length, 2)
  t.is(w.published.filter((each) => each.message.inferenceId === accepted.InferenceId).length, 1)
})

test('a request that ends its container every time fails after three', async (t) => {
  const w = world(t)
  await echo(w)
  const accepted = await invoke(w, { exit: true })
  const { message: told } = await message(w, accepted.InferenceId)
  t.like(told, {
    invocationStatus: 'Failed',
    failureReason: 'InternalServerError: The model container ended while it processed the request.',
  })
  t.is(w.lines('a').filter((line) => line.includes('connection to the container was lost')).length, 3)
})

test('a request expires at its time to live, with a message and a metric and no object', async (t) => {
  const clock = virtualClock()
  const w = world(t, { clock })
  await w.endpoint('a', { async: { OutputConfig: output } })
  w.published.splice(0)
  w.sagemaker.setDesired('a', 'AllTraffic', 0)
  await w.until('a', 'InService')
  const accepted = await invoke(w, 'x', { RequestTTLSeconds: 60 })
  const patient = await invoke(w, 'y')
  await clock.advance(59_999)
  t.false(w.published.some((each) => each.message.inferenceId === accepted.InferenceId))
  await clock.advance(1)
  t.like((await message(w, accepted.InferenceId)).message, {
    invocationStatus: 'Failed',
    failureReason: 'ClientError: The request expired before it could be processed.',
  })
  t.is(w.metrics.filter((metric) => metric.name === 'ExpiredRequests').length, 1)
  t.is(w.objects.size, 0)
  await clock.advance(21_600_000 - 60_000)
  await message(w, patient.InferenceId)
})

test('the backlog is published every period; the one per instance is not, at no instance', async (t) => {
  const clock = virtualClock()
  const w = world(t, { clock, metricPeriod: 60_000 })
  await w.endpoint('a', { async: { OutputConfig: output } })
  const published = async () => {
    w.metrics.splice(0)
    await clock.advance(60_000)
    return Object.fromEntries(w.metrics.map(({ name, value, dimensions }) => [name, { value, dimensions }]))
  }
  const dimensions = { EndpointName: 'a' }
  t.deepEqual(await published(), {
    ApproximateBacklogSize: { value: 0, dimensions },
    ApproximateBacklogSizePerInstance: { value: 0, dimensions },
    HasBacklogWithoutCapacity: { value: 0, dimensions },
    ApproximateAgeOfOldestRequest: { value: 0, dimensions },
  })
  w.sagemaker.setDesired('a', 'AllTraffic', 0)
  await w.until('a', 'InService')
  await invoke(w, 'x')
  await invoke(w, 'y')
  t.deepEqual(await published(), {
    ApproximateBacklogSize: { value: 2, dimensions },
    HasBacklogWithoutCapacity: { value: 1, dimensions },
    ApproximateAgeOfOldestRequest: { value: 60, dimensions },
  })
})

test('a topic that stops taking messages is counted and harms nothing else', async (t) => {
  const w = world(t)
  await echo(w)
  w.refusedTopics.add(topic('good'))
  const accepted = await invoke(w, 'x')
  await object(w, accepted.OutputLocation)
  await eventually(
    () => w.metrics.find((metric) => metric.name === 'NotificationFailures'),
    'the failed notification to be counted',
  )
  t.is(w.published.length, 0)
})

test('an endpoint without topics, failure path or output path takes requests all the same', async (t) => {
  const w = world(t)
  await echo(w, { OutputConfig: {} })
  const accepted = await invoke(w, 'x')
  t.deepEqual(Object.keys(accepted), ['InferenceId'])
  await eventually(
    () => w.metrics.find((metric) => metric.name === 'InvocationsProcessed'),
    'the request to be processed',
  )
})

test('what waits is forgotten with a deleted endpoint; one of the same name begins empty', async (t) => {
  const w = world(t)
  await echo(w)
  w.sagemaker.setDesired('a', 'AllTraffic', 0)
  await w.until('a', 'InService')
  await invoke(w, 'x')
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
  t.deepEqual(w.runtime.state(), { queues: [] })
  t.deepEqual([...w.objects.keys()], [])
})
