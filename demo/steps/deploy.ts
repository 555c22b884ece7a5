import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { CreateTopicCommand, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { condition } from '../kubernetes.ts'
import { until } from '../wait.ts'
import { BUCKET, type Context, ENDPOINT, IMAGE, NAMESPACE } from './context.ts'
import { putRequest } from './segment.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const SAMPLES = join(ROOT, 'samples', 'segment')
export const ENDPOINT_MANIFEST = join(SAMPLES, 'async-inference-endpoint.yaml')

/** What a real account has before the manifest: an image, a bucket, topics, and a queue that listens to one of them. */
export async function prepareAccount({ console, aws, cloud }: Context): Promise<{ queueUrl: string }> {
  return console.step('an account with an image, a bucket and two topics', async () => {
    await cloud.registerImage({
      repository: IMAGE,
      tag: '1.0.0',
      command: [process.execPath, join(ROOT, 'inference-server', 'main.ts')],
      cwd: ROOT,
      environment: { SM_MODEL_DIR: join(ROOT, 'inference-server', 'models', 'sam-lite') },
      entrypoint: ['node', 'inference-server/main.ts'],
    })
    await aws.s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    const success = await aws.sns.send(new CreateTopicCommand({ Name: 'segment-success' }))
    await aws.sns.send(new CreateTopicCommand({ Name: 'segment-error' }))
    const { QueueUrl: queueUrl = '' } = await aws.sqs.send(new CreateQueueCommand({ QueueName: 'segment-results' }))
    const { Attributes } = await aws.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
    )
    await aws.sns.send(
      new SubscribeCommand({ TopicArn: success.TopicArn, Protocol: 'sqs', Endpoint: Attributes?.QueueArn }),
    )
    await putRequest(aws, 'smoke-test/input.json')
    return { queueUrl }
  })
}

/** Applies samples/segment/ and waits until the endpoint has proven itself. */
export async function deploy({ console, kubernetes, watcher, signal, processes }: Context): Promise<void> {
  await console.step('kubectl apply -f samples/segment/', async () => {
    await kubernetes.kubectl('apply', '-f', join(SAMPLES, 'namespace.yaml'))
    await kubernetes.kubectl('apply', '-f', SAMPLES)
  })
  watcher.mark('applied')
  await console.step('the endpoint is InService, answered its smoke test, and is Ready', (note) =>
    until('AsyncInferenceEndpoint/segment Ready', 120, signal, async () => {
      processes.check()
      const object = await kubernetes.get('aie', NAMESPACE, ENDPOINT)
      const ready = condition(object, 'Ready')
      if (ready) note(ready.message)
      return ready?.status === 'True' ? object : undefined
    }),
  )
}
