import { DescribeLogStreamsCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { BatchGetImageCommand, DescribeImagesCommand, GetDownloadUrlForLayerCommand } from '@aws-sdk/client-ecr'
import test from 'ava'
import { sha256 } from '../../../local/services/ecr/layer.ts'
import { logsService } from '../../../local/services/logs/index.ts'
import { cloudWithClients } from '../cloud-clients.ts'

test('an image is found by tag and digest; its manifest and configuration hash to their digests', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const found = await aws.ecr.send(
    new BatchGetImageCommand({ repositoryName: 'empty', imageIds: [{ imageTag: '1' }, { imageTag: '2' }] }),
  )
  t.deepEqual(
    found.failures?.map((failure) => failure.failureCode),
    ['ImageNotFound'],
  )
  const manifest = found.images?.[0]?.imageManifest ?? ''
  t.is(sha256(manifest), String(found.images?.[0]?.imageId?.imageDigest))
  const { digest } = JSON.parse(manifest).config as { digest: string }
  const { downloadUrl = '' } = await aws.ecr.send(
    new GetDownloadUrlForLayerCommand({ repositoryName: 'empty', layerDigest: digest }),
  )
  const config = await (await fetch(downloadUrl)).text()
  t.is(sha256(config), digest)
  t.like(JSON.parse(config), { architecture: 'amd64', os: 'linux' })
  t.is((await fetch(`${cloud.url}/v2/empty/manifests/1`)).status, 200)
  t.is((await fetch(`${cloud.url}/v2/empty/manifests/none`)).status, 404)
})

test('a tag moves to the newest content; the same content keeps its digest', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const first = cloud.registerImage({ repository: 'r', tag: 'latest', command: ['a'] })
  t.is(cloud.registerImage({ repository: 'r', tag: 'latest', command: ['a'] }), first)
  const second = cloud.registerImage({ repository: 'r', tag: 'latest', command: ['b'] })
  t.not(second, first)
  const { imageDetails = [] } = await aws.ecr.send(
    new DescribeImagesCommand({ repositoryName: 'r', imageIds: [{ imageTag: 'latest' }] }),
  )
  t.is(imageDetails[0]?.imageDigest, second)
})

test("an image or repository that is not there is refused in ECR's words", async (t) => {
  const { aws } = await cloudWithClients(t)
  await t.throwsAsync(aws.ecr.send(new DescribeImagesCommand({ repositoryName: 'none' })), {
    name: 'RepositoryNotFoundException',
    message: "The repository with name 'none' does not exist in the registry with id '123456789012'",
  })
  await t.throwsAsync(
    aws.ecr.send(new DescribeImagesCommand({ repositoryName: 'empty', imageIds: [{ imageTag: 'x' }] })),
    {
      name: 'ImageNotFoundException',
    },
  )
})

test('a log group that nobody wrote to is not there', async (t) => {
  const { aws } = await cloudWithClients(t)
  await t.throwsAsync(aws.logs.send(new DescribeLogStreamsCommand({ logGroupName: 'none' })), {
    name: 'ResourceNotFoundException',
  })
  await t.throwsAsync(aws.logs.send(new GetLogEventsCommand({ logGroupName: 'none', logStreamName: 's' })), {
    name: 'ResourceNotFoundException',
  })
})

test('a stream keeps its newest lines, in order, each cut to a bound', (t) => {
  const logs = logsService(() => 0)
  for (let index = 0; index < 10_005; index++) logs.append('g', 's', `line ${index}`)
  logs.append('g', 's', 'x'.repeat(100_000))
  const call = { service: 'logs', operation: 'GetLogEvents', region: 'r', accountId: 'a', requestId: 'i' }
  const answer = logs.operations.GetLogEvents?.({ ...call, input: { logGroupName: 'g', logStreamName: 's', limit: 2 } })
  const { events } = answer as { events: { message: string }[] }
  t.is(events[0]?.message, 'line 10004')
  t.is(events[1]?.message.length, 8192)
})
