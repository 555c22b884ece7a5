import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  AddTagsCommand,
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  ListEndpointsCommand,
  ListTagsCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker'
import {
  InvokeEndpointAsyncCommand,
  InvokeEndpointCommand,
  ModelError,
  SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime'
import test from 'ava'
import { startLocalCloud } from '../../../local/cloud.ts'
import { eventually, REGISTRY, ROLE } from '../sagemaker/world.ts'

test('the unmodified SDK creates, invokes, updates and deletes an endpoint over HTTP', async (t) => {
  const fixture = join(import.meta.dirname, '..', 'fixtures', 'echo-server.ts')
  const cloud = await startLocalCloud({
    delays: { creating: 0, updating: 0, deleting: 0, instanceStart: 0 },
    images: [{ repository: 'echo', tag: '1', command: [process.execPath, fixture], cwd: import.meta.dirname }],
  })
  t.teardown(() => cloud.stop())
  const client = {
    endpoint: cloud.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  }
  const sagemaker = new SageMakerClient(client)
  const runtime = new SageMakerRuntimeClient(client)
  const s3 = new S3Client({ ...client, forcePathStyle: true })
  t.teardown(() => {
    for (const each of [sagemaker, runtime, s3]) each.destroy()
  })
  const inService = (name: string) =>
    eventually(async () => {
      const seen = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: name }))
      return seen.EndpointStatus === 'InService' ? seen : undefined
    }, `${name} to be in service`)
  const config = (name: string, asynchronous: boolean) =>
    sagemaker.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName: name,
        ProductionVariants: [
          { VariantName: 'AllTraffic', ModelName: 'm', InstanceType: 'ml.m5.xlarge', InitialInstanceCount: 1 },
        ],
        ...(asynchronous
          ? {
              AsyncInferenceConfig: {
                OutputConfig: { S3OutputPath: 's3://bucket/out', S3FailurePath: 's3://bucket/failed' },
              },
            }
          : {}),
      }),
    )

  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'in.txt', Body: 'from S3' }))
  await sagemaker.send(
    new CreateModelCommand({
      ModelName: 'm',
      ExecutionRoleArn: ROLE,
      PrimaryContainer: { Image: `${REGISTRY}/echo:1`, Environment: { A: '1' } },
    }),
  )
  t.is((await sagemaker.send(new DescribeModelCommand({ ModelName: 'm' }))).PrimaryContainer?.Environment?.A, '1')
  await config('c', true)
  const described = await sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: 'c' }))
  t.is(described.AsyncInferenceConfig?.OutputConfig?.S3OutputPath, 's3://bucket/out')
  const Tags = [{ Key: 'mooring.dev/name', Value: 'a' }]
  const { EndpointArn } = await sagemaker.send(
    new CreateEndpointCommand({ EndpointName: 'a', EndpointConfigName: 'c', Tags }),
  )
  const seen = await inService('a')
  t.true(seen.CreationTime instanceof Date)
  t.is(seen.ProductionVariants?.[0]?.CurrentInstanceCount, 1)
  t.regex(seen.ProductionVariants?.[0]?.DeployedImages?.[0]?.ResolvedImage ?? '', /@sha256:[0-9a-f]{64}$/)
  await sagemaker.send(new AddTagsCommand({ ResourceArn: EndpointArn, Tags: [{ Key: 'b', Value: '2' }] }))
  t.is((await sagemaker.send(new ListTagsCommand({ ResourceArn: EndpointArn }))).Tags?.length, 2)

  const result = async (location: string | undefined) => {
    const Key = String(location).replace('s3://bucket/', '')
    const got = await eventually(
      () => s3.send(new GetObjectCommand({ Bucket: 'bucket', Key })).catch(() => undefined),
      `s3 object ${Key}`,
    )
    return got.Body?.transformToString()
  }
  const fromS3 = await runtime.send(
    new InvokeEndpointAsyncCommand({ EndpointName: 'a', InputLocation: 's3://bucket/in.txt' }),
  )
  t.is(fromS3.$metadata.httpStatusCode, 202)
  t.is(await result(fromS3.OutputLocation), 'from S3')
  const inline = await runtime.send(
    new InvokeEndpointAsyncCommand({ EndpointName: 'a', Body: Buffer.from('inline'), InvocationTimeoutSeconds: 60 }),
  )
  t.is(await result(inline.OutputLocation), 'inline')
  const failing = await runtime.send(
    new InvokeEndpointAsyncCommand({ EndpointName: 'a', Body: Buffer.from('{"status":500,"answer":"no"}') }),
  )
  t.is(await result(failing.FailureLocation), 'no')

  await config('sync', false)
  await sagemaker.send(new CreateEndpointCommand({ EndpointName: 'sync', EndpointConfigName: 'sync' }))
  await inService('sync')
  const answer = await runtime.send(
    new InvokeEndpointCommand({ EndpointName: 'sync', Body: Buffer.from('now'), Accept: 'text/plain' }),
  )
  t.is(answer.Body?.transformToString(), 'now')
  t.is(answer.InvokedProductionVariant, 'AllTraffic')
  const error = await t.throwsAsync(
    runtime.send(
      new InvokeEndpointCommand({ EndpointName: 'sync', Body: Buffer.from('{"status":400,"answer":"bad"}') }),
    ),
    { instanceOf: ModelError },
  )
  t.like(error, { OriginalStatusCode: 400, OriginalMessage: 'bad' })
  await t.throwsAsync(runtime.send(new InvokeEndpointCommand({ EndpointName: 'none', Body: Buffer.from('x') })), {
    name: 'ValidationError',
    message: 'Endpoint none of account 123456789012 not found.',
  })

  await sagemaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: 'pools',
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: 'm',
          InitialInstanceCount: 1,
          InstancePools: [
            { InstanceType: 'ml.g5.xlarge', Priority: 1 },
            { InstanceType: 'ml.g5.2xlarge', Priority: 2 },
          ],
        },
      ],
    }),
  )
  cloud.setFault({ name: 'instance.capacity', instanceType: 'ml.g5.xlarge' })
  await sagemaker.send(new CreateEndpointCommand({ EndpointName: 'pools', EndpointConfigName: 'pools' }))
  t.deepEqual((await inService('pools')).ProductionVariants?.[0]?.InstancePools, [
    { InstanceType: 'ml.g5.xlarge', CurrentInstanceCount: 0 },
    { InstanceType: 'ml.g5.2xlarge', CurrentInstanceCount: 1 },
  ])

  cloud.setFault({ name: 'endpoint.update-fails', reason: 'Unhealthy.', times: 1 })
  await config('c2', true)
  await sagemaker.send(new UpdateEndpointCommand({ EndpointName: 'a', EndpointConfigName: 'c2' }))
  t.like(await inService('a'), { EndpointConfigName: 'c', FailureReason: 'Unhealthy.' })
  t.is(
    (await sagemaker.send(new ListEndpointsCommand({ NameContains: 'a' }))).Endpoints?.[0]?.EndpointStatus,
    'InService',
  )
  await sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'a' }))
  await eventually(
    () =>
      sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'a' })).then(
        () => undefined,
        (gone: Error) => gone,
      ),
    'the endpoint to be gone',
  ).then((gone) => t.is(gone.message, `Could not find endpoint "${EndpointArn}".`))
})
