import { RegisterScalableTargetCommand } from '@aws-sdk/client-application-auto-scaling'
import { PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch'
import {
  GetResourcesCommand,
  type GetResourcesCommandInput,
  ResourceGroupsTaggingAPIClient,
} from '@aws-sdk/client-resource-groups-tagging-api'
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { AddTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-sagemaker'
import { CreateTopicCommand, DeleteTopicCommand, ListTagsForResourceCommand } from '@aws-sdk/client-sns'
import test from 'ava'
import { cloudWithClients, endpointInService } from '../cloud-clients.ts'

const OURS = [{ Key: 'mooring.dev/cluster', Value: 'a' }]
const arn = (rest: string) => `arn:aws:sagemaker:us-east-1:123456789012:${rest}`
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:done'

async function tagged(t: { teardown(fn: () => Promise<void>): void }) {
  const { cloud, aws } = await cloudWithClients(t)
  await endpointInService(aws)
  for (const kind of ['endpoint', 'endpoint-config', 'model'])
    await aws.sagemaker.send(new AddTagsCommand({ ResourceArn: arn(`${kind}/ep`), Tags: OURS }))
  await aws.scaling.send(
    new RegisterScalableTargetCommand({
      ServiceNamespace: 'sagemaker',
      ResourceId: 'endpoint/ep/variant/AllTraffic',
      ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      MinCapacity: 0,
      MaxCapacity: 1,
      Tags: { 'mooring.dev/cluster': 'a' },
    }),
  )
  await aws.cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: 'wake',
      Namespace: 'AWS/SageMaker',
      MetricName: 'HasBacklogWithoutCapacity',
      Statistic: 'Average',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Tags: OURS,
    }),
  )
  await aws.sns.send(new CreateTopicCommand({ Name: 'done', Tags: OURS }))
  await aws.sns.send(new CreateTopicCommand({ Name: 'other', Tags: [{ Key: 'mooring.dev/cluster', Value: 'b' }] }))
  const client = new ResourceGroupsTaggingAPIClient({
    endpoint: cloud.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  t.teardown(async () => client.destroy())
  const find = async (input: GetResourcesCommandInput) => {
    const { ResourceTagMappingList = [], PaginationToken } = await client.send(new GetResourcesCommand(input))
    return { arns: ResourceTagMappingList.map(({ ResourceARN = '' }) => ResourceARN), token: PaginationToken }
  }
  return { cloud, aws, find }
}

const BY_CLUSTER = { TagFilters: [{ Key: 'mooring.dev/cluster', Values: ['a'] }] }

test('everything that carries a tag is found, over all services and by type', async (t) => {
  const { find } = await tagged(t)
  const { arns, token } = await find(BY_CLUSTER)
  t.is(token, '')
  t.deepEqual(
    arns.map((found) => found.replace(/scalable-target\/.*/, 'scalable-target')),
    [
      'arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target',
      'arn:aws:cloudwatch:us-east-1:123456789012:alarm:wake',
      arn('endpoint-config/ep'),
      arn('endpoint/ep'),
      arn('model/ep'),
      TOPIC,
    ],
  )
  const types = ['sagemaker:endpoint', 'sns']
  t.deepEqual((await find({ ...BY_CLUSTER, ResourceTypeFilters: types })).arns, [arn('endpoint/ep'), TOPIC])
  t.is((await find({ TagFilters: [{ Key: 'mooring.dev/cluster' }] })).arns.length, 7, 'any value')
  t.deepEqual((await find({ TagFilters: [{ Key: 'none' }] })).arns, [])
})

test('pages follow each other by their token', async (t) => {
  const { find } = await tagged(t)
  const all = (await find(BY_CLUSTER)).arns
  const paged: string[] = []
  let token: string | undefined
  do {
    const page = await find({ ...BY_CLUSTER, ResourcesPerPage: 4, ...(token ? { PaginationToken: token } : {}) })
    paged.push(...page.arns)
    token = page.token
  } while (token)
  t.deepEqual(paged, all)
})

test('what AWS refuses is refused in its terms', async (t) => {
  const { find } = await tagged(t)
  await t.throwsAsync(() => find({ ResourcesPerPage: 101 }), { name: 'InvalidParameterException' })
  await t.throwsAsync(() => find({ ...BY_CLUSTER, ResourceARNList: [TOPIC] }), { name: 'InvalidParameterException' })
  await t.throwsAsync(() => find({ PaginationToken: 'made-up' }), { name: 'PaginationTokenExpiredException' })
})

test('a stale index still shows what has lost its tags, and not yet what has them', async (t) => {
  const { cloud, aws, find } = await tagged(t)
  const input = { ...BY_CLUSTER, ResourceTypeFilters: ['sagemaker:endpoint'] }
  t.is((await find(input)).arns.length, 1)
  await aws.sagemaker.send(new DeleteTagsCommand({ ResourceArn: arn('endpoint/ep'), TagKeys: ['mooring.dev/cluster'] }))
  cloud.setFault({ operation: 'tagging.GetResources', effect: 'stale', times: 1 })
  t.is((await find(input)).arns.length, 1)
  t.is((await find(input)).arns.length, 0)
})

test('a topic lives in the account of everything else, and is refused to whoever asks for it with tags that it lacks', async (t) => {
  const { aws } = await tagged(t)
  const again = await aws.sns.send(new CreateTopicCommand({ Name: 'done', Tags: OURS }))
  t.is(again.TopicArn, TOPIC)
  await aws.sns.send(new CreateTopicCommand({ Name: 'plain' }))
  for (const Name of ['other', 'plain'])
    await t.throwsAsync(() => aws.sns.send(new CreateTopicCommand({ Name, Tags: OURS })), {
      name: 'InvalidParameterException',
      message: 'Invalid parameter: Tags Reason: Topic already exists with different tags',
    })
  t.deepEqual((await aws.sns.send(new ListTagsForResourceCommand({ ResourceArn: TOPIC }))).Tags, OURS)
  await aws.sns.send(new DeleteTopicCommand({ TopicArn: TOPIC }))
  const gone = await t.throwsAsync(aws.sns.send(new ListTagsForResourceCommand({ ResourceArn: TOPIC })))
  t.regex(gone.name, /NotFound/)
})

test('faults on SNS and S3 are said in the form that their SDKs read', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  cloud.setFault({ operation: 'sns.CreateTopic', effect: 'throttle', times: 1 })
  await t.throwsAsync(() => aws.sns.send(new CreateTopicCommand({ Name: 'x' })), { name: 'ThrottlingException' })
  cloud.setFault({ operation: 's3.PUT', effect: 'error', code: 'AccessDenied', status: 403, times: 1 })
  await t.throwsAsync(() => aws.s3.send(new CreateBucketCommand({ Bucket: 'mine' })), { name: 'AccessDenied' })
})

test('a bucket is in the region in which it was made: asked elsewhere, S3 names that region', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'mine' }))
  t.is((await aws.s3.send(new HeadBucketCommand({ Bucket: 'mine' }))).BucketRegion, 'us-east-1')
  await t.throwsAsync(() => aws.s3.send(new HeadBucketCommand({ Bucket: 'none' })), { name: 'NotFound' })
  const elsewhere = new S3Client({
    endpoint: cloud.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  })
  t.teardown(() => elsewhere.destroy())
  const error = await t.throwsAsync(() => elsewhere.send(new HeadBucketCommand({ Bucket: 'mine' })))
  const { $metadata, $response } = error as unknown as {
    $metadata: { httpStatusCode: number }
    $response: { headers: Record<string, string> }
  }
  t.is($metadata.httpStatusCode, 301)
  t.is($response.headers['x-amz-bucket-region'], 'us-east-1')
})
