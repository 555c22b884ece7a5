import {
  BatchGetImageCommand,
  DescribeImageScanFindingsCommand,
  ListImagesCommand,
  paginateListImages,
} from '@aws-sdk/client-ecr'
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import test from 'ava'
import { eventually } from '../../operator/kube/support.ts'
import { cloudWithClients } from '../cloud-clients.ts'

test('tags are listed in pages; an image that lost its tag is listed by its digest', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const digests = Array.from({ length: 7 }, (_, number) =>
    cloud.registerImage({ repository: 'r', tag: `1.${number}`, command: ['a'] }),
  )
  const tags: (string | undefined)[] = []
  let pages = 0
  const input = { repositoryName: 'r', filter: { tagStatus: 'TAGGED' as const } }
  for await (const { imageIds = [] } of paginateListImages({ client: aws.ecr, pageSize: 3 }, input)) {
    pages++
    tags.push(...imageIds.map(({ imageTag }) => imageTag))
  }
  t.is(pages, 3)
  t.deepEqual(tags.sort(), ['1.0', '1.1', '1.2', '1.3', '1.4', '1.5', '1.6'])
  cloud.registerImage({ repository: 'r', tag: '1.0', command: ['b'] })
  for (let number = 1; number < 7; number++)
    cloud.registerImage({ repository: 'r', tag: `1.${number}`, command: ['b'] })
  const { imageIds } = await aws.ecr.send(
    new ListImagesCommand({ repositoryName: 'r', filter: { tagStatus: 'UNTAGGED' } }),
  )
  t.deepEqual(imageIds, [{ imageDigest: digests[0] }])
  await t.throwsAsync(aws.ecr.send(new ListImagesCommand({ repositoryName: 'none' })), {
    name: 'RepositoryNotFoundException',
  })
})

test('what a scan found is told, also that there was none, and that one has not ended', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const findings = (imageTag: string) =>
    aws.ecr.send(new DescribeImageScanFindingsCommand({ repositoryName: 'r', imageId: { imageTag } }))
  cloud.registerImage({ repository: 'r', tag: 'bad', command: ['a'], scan: { counts: { CRITICAL: 2, LOW: 5 } } })
  cloud.registerImage({ repository: 'r', tag: 'waits', command: ['b'], scan: { status: 'IN_PROGRESS' } })
  cloud.registerImage({ repository: 'r', tag: 'none', command: ['c'] })
  t.like(await findings('bad'), {
    imageScanStatus: { status: 'COMPLETE' },
    imageScanFindings: { findingSeverityCounts: { CRITICAL: 2, LOW: 5 } },
  })
  t.is((await findings('waits')).imageScanFindings, undefined)
  await t.throwsAsync(findings('none'), { name: 'ScanNotFoundException', message: /^Image scan does not exist/ })
  await t.throwsAsync(findings('absent'), { name: 'ImageNotFoundException' })
})

test('an image for several architectures is an index, and runs by its tag', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const digest = cloud.registerImage({ repository: 'r', tag: '1', command: ['a'], architectures: ['arm64', 'amd64'] })
  const { images = [] } = await aws.ecr.send(
    new BatchGetImageCommand({ repositoryName: 'r', imageIds: [{ imageTag: '1' }] }),
  )
  t.is(images[0]?.imageId?.imageDigest, digest)
  const { manifests } = JSON.parse(images[0]?.imageManifest ?? '') as { manifests: { platform: object }[] }
  t.deepEqual(
    manifests.map(({ platform }) => platform),
    [
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'amd64' },
    ],
  )
})

test('every push is announced to the event queue, in the words of EventBridge; what is there at the start is not', async (t) => {
  const { cloud, aws } = await cloudWithClients(t, { eventQueue: 'mooring-events' })
  const digest = cloud.registerImage({ repository: 'team/sam', tag: 'latest', command: ['a'] })
  const bodies: string[] = []
  await eventually('an event', async () => {
    const { Messages = [] } = await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl: cloud.eventQueueUrl }))
    bodies.push(...Messages.map(({ Body = '' }) => Body))
    return bodies.length > 0
  })
  const [event] = bodies.map((body) => JSON.parse(body) as { time: string })
  t.like(event, {
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '123456789012',
    region: 'us-east-1',
    detail: {
      result: 'SUCCESS',
      'action-type': 'PUSH',
      'repository-name': 'team/sam',
      'image-digest': digest,
      'image-tag': 'latest',
    },
  })
  t.regex(event?.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

test('the registry speaks the distribution protocol, to read', async (t) => {
  const { cloud } = await cloudWithClients(t)
  const digest = cloud.registerImage({ repository: 'team/sam', tag: '1', command: ['a'] })
  const get = (path: string, method = 'GET') => fetch(`${cloud.url}/v2/${path}`, { method })
  t.is((await get('')).status, 200)
  t.deepEqual(await (await get('team/sam/tags/list')).json(), { name: 'team/sam', tags: ['1'] })
  const manifest = await get('team/sam/manifests/1', 'HEAD')
  t.is(manifest.headers.get('docker-content-digest'), digest)
  t.is((await get('none/manifests/1')).status, 404)
  t.is((await get('team/sam/blobs/x')).status, 404)
  t.is((await get('team/sam/manifests/1', 'PUT')).status, 405)
})
