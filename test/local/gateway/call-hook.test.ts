import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import { CreateModelCommand, DescribeModelCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker'
import { CreateTopicCommand, ListTopicsCommand } from '@aws-sdk/client-sns'
import test, { type ExecutionContext } from 'ava'
import type { CallBoundary } from '../../../local/call-hook.ts'
import { cloudWithClients, REGISTRY, ROLE } from '../cloud-clients.ts'

async function hooked(t: ExecutionContext) {
  const seen: CallBoundary[] = []
  const drops = new Set<string>()
  const { cloud, aws } = await cloudWithClients(t, {
    onCall: (boundary) => {
      seen.push(boundary)
      return drops.has(`${boundary.phase} ${boundary.operation}`) ? 'drop' : undefined
    },
  })
  const createModel = (ModelName: string) =>
    aws.sagemaker.send(
      new CreateModelCommand({
        ModelName,
        ExecutionRoleArn: ROLE,
        PrimaryContainer: { Image: `${REGISTRY}/empty:1` },
      }),
    )
  return { cloud, aws, seen, drops, createModel }
}

test('a hook is asked before and after each call, with what went in and came out', async (t) => {
  const { aws, seen, createModel } = await hooked(t)
  await createModel('a')
  await t.throwsAsync(aws.sagemaker.send(new DescribeModelCommand({ ModelName: 'b' })))
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  t.deepEqual(
    seen.map(({ phase, service, operation, code }) => [phase, service, operation, code]),
    [
      ['before', 'sagemaker', 'CreateModel', undefined],
      ['after', 'sagemaker', 'CreateModel', 'OK'],
      ['before', 'sagemaker', 'DescribeModel', undefined],
      ['after', 'sagemaker', 'DescribeModel', 'ValidationException'],
      ['before', 's3', 'PUT', undefined],
      ['after', 's3', 'PUT', 'OK'],
    ],
  )
  t.is(seen[0]?.input?.ModelName, 'a')
  t.regex(String(seen[1]?.output?.ModelArn), /model\/a$/)
})

test('a call dropped before it is handled does nothing; one dropped after it is done and never answered', async (t) => {
  const { cloud, aws, drops, createModel } = await hooked(t)
  const names = async () =>
    (await aws.sagemaker.send(new ListModelsCommand({}))).Models?.map((model) => model.ModelName)
  drops.add('before CreateModel')
  await t.throwsAsync(createModel('lost'))
  t.deepEqual(await names(), [])
  drops.clear()
  drops.add('after CreateModel')
  await t.throwsAsync(createModel('unheard'))
  t.deepEqual(await names(), ['unheard'])
  // One that was refused is not answered either.
  const error = await t.throwsAsync(createModel('unheard'))
  t.not(error?.name, 'ValidationException')
  t.deepEqual(
    cloud.calls().flatMap(({ operation, code }) => (operation === 'CreateModel' ? [code] : [])),
    ['Dropped', 'OK', 'ValidationException'],
  )
})

test('what is handed on to S3 and SNS is hooked alike', async (t) => {
  const { aws, drops } = await hooked(t)
  drops.add('before PUT').add('before CreateTopic')
  await t.throwsAsync(aws.s3.send(new CreateBucketCommand({ Bucket: 'lost' })))
  await t.throwsAsync(aws.sns.send(new CreateTopicCommand({ Name: 'lost' })))
  drops.clear()
  drops.add('after PUT').add('after CreateTopic')
  await t.throwsAsync(aws.s3.send(new CreateBucketCommand({ Bucket: 'unheard' })))
  await t.throwsAsync(aws.sns.send(new CreateTopicCommand({ Name: 'unheard' })))
  const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand({}))
  t.deepEqual(
    Buckets.map(({ Name }) => Name),
    ['unheard'],
  )
  const { Topics = [] } = await aws.sns.send(new ListTopicsCommand({}))
  t.deepEqual(
    Topics.map(({ TopicArn }) => TopicArn?.split(':').at(-1)),
    ['unheard'],
  )
})
