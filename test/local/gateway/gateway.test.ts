import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { CreateModelCommand, DescribeEndpointCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker'
import { InvokeEndpointAsyncCommand } from '@aws-sdk/client-sagemaker-runtime'
import { CreateTopicCommand, PublishCommand, SubscribeCommand } from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs'
import test from 'ava'
import { cloudWithClients, endpointInService, instances, ROLE } from '../cloud-clients.ts'

const SIGNED = {
  authorization: 'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sagemaker/aws4_request, Signature=x',
}

test('an operation that is not there is refused by name', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const response = await fetch(cloud.url, {
    method: 'POST',
    headers: { ...SIGNED, 'x-amz-target': 'SageMaker.CreateNotebookInstance' },
    body: '{}',
  })
  t.is(response.status, 400)
  t.is(response.headers.get('x-amzn-errortype'), 'UnknownOperationException')
  await t.throwsAsync(aws.sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'none' })), {
    name: 'ValidationException',
    message: 'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/none".',
  })
})

test("members that are missing, unknown or of another type than the SDK's shapes say are refused", async (t) => {
  const { cloud } = await cloudWithClients(t)
  const send = async (body: string) => {
    const headers = { ...SIGNED, 'x-amz-target': 'SageMaker.CreateModel' }
    const response = await fetch(cloud.url, { method: 'POST', headers, body })
    return (await response.json()) as { __type: string; message: string }
  }
  t.like(await send('{}'), { __type: 'ValidationException' })
  t.regex((await send('{}')).message, /Value null at 'modelName'/)
  t.regex((await send('{"ModelName":"m","Colour":"red"}')).message, /Unknown parameter in input: "Colour"/)
  t.like(await send('{"ModelName":1}'), { __type: 'SerializationException' })
  t.like(await send('{"ModelName":"m","PrimaryContainer":[]}'), { __type: 'SerializationException' })
  t.like(await send('not json'), { __type: 'SerializationException' })
})

test('each service names a refused input in its own words', async (t) => {
  const { cloud } = await cloudWithClients(t)
  const codeOf = async (target: string) => {
    const response = await fetch(cloud.url, { method: 'POST', headers: { 'x-amz-target': target }, body: '{}' })
    return response.headers.get('x-amzn-errortype')
  }
  t.is(await codeOf('AnyScaleFrontendService.PutScalingPolicy'), 'ValidationException')
  t.is(await codeOf('AmazonEC2ContainerRegistry_V20150921.DescribeImages'), 'InvalidParameterException')
  t.is(await codeOf('Logs_20140328.GetLogEvents'), 'InvalidParameterException')
  t.is(await codeOf('GraniteServiceVersion20100801.PutMetricAlarm'), 'ValidationError')
})

test('a body beyond the limit is refused, and the next request is answered', async (t) => {
  const { cloud } = await cloudWithClients(t)
  const headers = { ...SIGNED, 'x-amz-target': 'SageMaker.CreateModel' }
  const large = await fetch(cloud.url, { method: 'POST', headers, body: 'x'.repeat(9 * 1024 * 1024) }).catch(
    () => undefined,
  )
  t.true(large === undefined || large.status === 413)
  t.is((await fetch(`${cloud.url}/_local/health`)).status, 200)
})

test('throttling meets the calls it was set for, as often as was said, and is recorded', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  cloud.setFault({ operation: 'sagemaker.ListModels', effect: 'throttle', times: 2 })
  for (let index = 0; index < 2; index++) {
    await t.throwsAsync(aws.sagemaker.send(new ListModelsCommand({})), {
      name: 'ThrottlingException',
      message: 'Rate exceeded',
    })
  }
  await aws.sagemaker.send(new ListModelsCommand({}))
  await aws.cloudwatch.send(new DescribeAlarmsCommand({}))
  t.deepEqual(
    cloud.calls().map(({ service, operation, code }) => `${service}.${operation} ${code}`),
    [
      'sagemaker.ListModels ThrottlingException',
      'sagemaker.ListModels ThrottlingException',
      'sagemaker.ListModels OK',
      'monitoring.DescribeAlarms OK',
    ],
  )
})

test('a connection dropped after the act leaves the act done: what a crash between create and status meets', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  cloud.setFault({ operation: 'sagemaker.CreateModel', effect: 'drop-response', times: 1 })
  const create = new CreateModelCommand({
    ModelName: 'm',
    ExecutionRoleArn: ROLE,
    PrimaryContainer: { Image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/empty:1' },
  })
  await t.throwsAsync(aws.sagemaker.send(create))
  await t.throwsAsync(aws.sagemaker.send(create), { message: /Cannot create already existing model/ })
  cloud.setFault({ operation: 'sagemaker.ListModels', effect: 'drop', times: 1 })
  await t.throwsAsync(aws.sagemaker.send(new ListModelsCommand({})))
  t.is((await aws.sagemaker.send(new ListModelsCommand({}))).Models?.length, 1)
})

test('a stale read answers from the past, a server error as 5xx, and clearing ends both', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  t.deepEqual((await aws.sagemaker.send(new ListModelsCommand({}))).Models, [])
  await endpointInService(aws)
  cloud.setFault({ operation: 'sagemaker.ListModels', effect: 'stale' })
  t.deepEqual((await aws.sagemaker.send(new ListModelsCommand({}))).Models, [])
  cloud.setFault({ operation: '*.*', effect: 'error' })
  const error = await t.throwsAsync(aws.sagemaker.send(new ListModelsCommand({})))
  t.is((error as Error & { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode, 500)
  cloud.clearFaults()
  t.is((await aws.sagemaker.send(new ListModelsCommand({}))).Models?.length, 1)
})

test('a fault that makes no sense is refused with the reason', async (t) => {
  const { cloud } = await cloudWithClients(t)
  const set = async (fault: unknown) => {
    const response = await fetch(`${cloud.url}/_local/faults`, { method: 'POST', body: JSON.stringify(fault) })
    return { status: response.status, error: ((await response.json()) as { error?: string }).error ?? '' }
  }
  t.is((await set({})).status, 400)
  t.regex((await set({ operation: 'CreateModel', effect: 'drop' })).error, /service\.Operation/)
  t.regex((await set({ operation: 'sagemaker.CreateModel' })).error, /needs an effect/)
  t.is((await set({ name: 'endpoint.create-fails', times: 1 })).status, 200)
})

test('S3, SNS and SQS answer on the same address, and queues have addresses below it', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const body = Buffer.alloc(3 * 1024 * 1024, 7)
  await aws.s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a/b c.bin', Body: body }))
  const read = await aws.s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a/b c.bin' }))
  t.deepEqual(Buffer.from((await read.Body?.transformToByteArray()) ?? []), body)

  const { QueueUrl = '' } = await aws.sqs.send(new CreateQueueCommand({ QueueName: 'queue' }))
  t.true(QueueUrl.startsWith(`${cloud.url}/`), QueueUrl)
  t.deepEqual((await aws.sqs.send(new ListQueuesCommand({}))).QueueUrls, [QueueUrl])
  await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'directly' }))
  t.is((await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages?.[0]?.Body, 'directly')

  const { TopicArn } = await aws.sns.send(new CreateTopicCommand({ Name: 'topic' }))
  const attributes = await aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
  await aws.sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: attributes.Attributes?.QueueArn }))
  await aws.sns.send(new PublishCommand({ TopicArn, Message: 'by topic' }))
  const received = await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }))
  t.is(JSON.parse(received.Messages?.[0]?.Body ?? '{}').Message, 'by topic')
})

test("the runtime's REST requests carry members in path, headers and body", async (t) => {
  const { aws } = await cloudWithClients(t)
  await endpointInService(aws)
  t.is((await instances(aws)).current, 1)
  const accepted = await aws.runtime.send(
    new InvokeEndpointAsyncCommand({
      EndpointName: 'ep',
      InputLocation: 's3://bucket/in',
      RequestTTLSeconds: 60,
      InferenceId: 'mine',
    }),
  )
  t.is(accepted.InferenceId, 'mine')
  t.regex(accepted.OutputLocation ?? '', /^s3:\/\/bucket\/output\/.+\.out$/)
  await t.throwsAsync(
    aws.runtime.send(new InvokeEndpointAsyncCommand({ EndpointName: 'none', InputLocation: 's3://b/i' })),
    {
      name: 'ValidationError',
      message: 'Endpoint none of account 123456789012 not found.',
    },
  )
})

test('nothing of it listens beyond loopback', async (t) => {
  await cloudWithClients(t)
  const report = process.report.getReport() as unknown as {
    libuv: { type: string; localEndpoint?: { host: string }; remoteEndpoint: unknown }[]
  }
  const listening = report.libuv.filter((handle) => handle.type === 'tcp' && handle.remoteEndpoint === null)
  t.true(listening.length >= 2)
  for (const { localEndpoint } of listening)
    t.true(['127.0.0.1', 'localhost'].includes(localEndpoint?.host ?? ''), localEndpoint?.host)
})
