import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateBucketCommand, GetObjectCommand } from '@aws-sdk/client-s3'
import { CreateModelCommand } from '@aws-sdk/client-sagemaker'
import { InvokeEndpointAsyncCommand } from '@aws-sdk/client-sagemaker-runtime'
import test from 'ava'
import { eventually } from '../../operator/kube/support.ts'
import { cloudWithClients, endpointInService, REGISTRY, ROLE } from '../cloud-clients.ts'

test('an image without a command is answered by the server on its port', async (t) => {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.setHeader('content-length', 6).end('served'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const { aws, cloud } = await cloudWithClients(t)
  cloud.registerImage({ repository: 'empty', tag: '1', command: [], port })
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await endpointInService(aws)

  const { OutputLocation = '' } = await aws.runtime.send(
    new InvokeEndpointAsyncCommand({ EndpointName: 'ep', Body: 'anything', ContentType: 'text/plain' }),
  )
  const { pathname } = new URL(OutputLocation)
  await eventually('an answer', async () => {
    const found = await aws.s3
      .send(new GetObjectCommand({ Bucket: 'bucket', Key: pathname.slice(1) }))
      .catch(() => undefined)
    return (await found?.Body?.transformToString()) === 'served'
  })
  t.pass()
})

test('an image with another port is another image', async (t) => {
  const { aws, cloud } = await cloudWithClients(t)
  const first = cloud.registerImage({ repository: 'empty', tag: '1', command: [] })
  t.not(cloud.registerImage({ repository: 'empty', tag: '1', command: [], port: 4_000 }), first)
  await t.notThrowsAsync(
    aws.sagemaker.send(
      new CreateModelCommand({
        ModelName: 'model',
        ExecutionRoleArn: ROLE,
        PrimaryContainer: { Image: `${REGISTRY}/empty@${first}` },
      }),
    ),
  )
})
