import { SageMaker } from '@aws-sdk/client-sagemaker'
import { CreateTopicCommand, ListTopicsCommand, SNS } from '@aws-sdk/client-sns'
import test from 'ava'
import { OWNER_TAGS } from '../../../../operator/providers/ownership.ts'
import { cloudForFile, conditionOf, endpointIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

const asking = (notifications: object = { createTopics: true }) => ({
  async: { output: { s3OutputPath: 's3://mooring-demo/output/' }, notifications },
})
const arn = (name: string) => `arn:aws:sns:us-east-1:123456789012:${name}`

async function topicNames(part: string): Promise<string[]> {
  const { Topics = [] } = await new SNS().send(new ListTopicsCommand())
  return Topics.map(({ TopicArn = '' }) => TopicArn.split(':').at(-1) ?? '').filter((name) => name.includes(part))
}

async function tagsOf(name: string): Promise<Record<string, string>> {
  const { Tags = [] } = await new SNS().listTagsForResource({ ResourceArn: arn(name) })
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]))
}

test('createTopics makes two topics of the object’s own, names them in the configuration, and deletes them last', async (t) => {
  const w = await world({ environment: { MOORING_DEFAULT_TAGS: 'team=vision,stage=test' } })
  t.teardown(() => w.stop())
  await w.apply({ spec: { ...asking({ createTopics: true, kmsKeyId: 'alias/vision' }), tags: { team: 'mine' } } })
  const { status, metadata } = await w.ready()
  const name = await w.nameInCloud()
  t.deepEqual(status?.topics, { success: arn(`${name}-success`), error: arn(`${name}-error`) })
  t.like(await tagsOf(`${name}-success`), { [OWNER_TAGS.uid]: metadata.uid, team: 'mine', stage: 'test' })
  const { Attributes } = await new SNS().getTopicAttributes({ TopicArn: arn(`${name}-error`) })
  t.is(Attributes?.KmsMasterKeyId, 'alias/vision')
  const { AsyncInferenceConfig } = await new SageMaker().describeEndpointConfig({
    EndpointConfigName: status?.endpointConfigName ?? '',
  })
  t.like(AsyncInferenceConfig?.OutputConfig?.NotificationConfig, {
    SuccessTopic: arn(`${name}-success`),
    ErrorTopic: arn(`${name}-error`),
  })
  cloud.setFault({ name: 'endpoint.stuck-deleting', subject: name })
  await w.remove()
  await w.until('Deleting', () => endpointIn(cloud, name)?.EndpointStatus === 'Deleting')
  t.is((await topicNames(name)).length, 2, 'requests that are being answered may still be told of')
  cloud.clearFaults()
  await w.gone()
  t.deepEqual(await topicNames(name), [])
})

test('a topic of that name that is not ours is refused, and left', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: asking(), withoutImage: true })
  const name = await w.nameInCloud()
  await new SNS().send(new CreateTopicCommand({ Name: `${name}-error` }))
  await w.applyImage()
  const condition = await w.until('NameTaken', (endpoint) => {
    const seen = conditionOf(endpoint, 'ConfigReady')
    return seen?.reason === 'NameTaken' && seen
  })
  t.regex(
    condition.message,
    /-error belongs to somebody else, by its tags: delete it, or name topics in successTopicArn/,
  )
  t.is(endpointIn(cloud, name), undefined)
  t.deepEqual(await tagsOf(`${name}-error`), {})
  await w.remove()
  await w.gone()
  t.deepEqual(await topicNames(name), [`${name}-error`])
})

test('a topic that somebody deleted is made again, under the ARN that the configuration has', async (t) => {
  const w = await world({ intervals: { verify: 300, settled: 300 } })
  t.teardown(() => w.stop())
  await w.apply({ spec: asking() })
  const { status } = await w.ready()
  const name = await w.nameInCloud()
  await new SNS().deleteTopic({ TopicArn: arn(`${name}-success`) })
  await w.until('the topic', async () => (await topicNames(`${name}-success`)).length === 1)
  await w.until('the event', async () => (await w.events()).some(({ reason }) => reason === 'TopicRestored'))
  t.is((await w.endpoint()).status?.endpointConfigName, status?.endpointConfigName)
  await w.remove()
  await w.gone()
})

test('a changed key and a changed tag reach the topics', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: asking() })
  await w.ready()
  const name = await w.nameInCloud()
  await w.patch({ spec: { tags: { team: 'vision' }, async: { notifications: { kmsKeyId: 'alias/new' } } } })
  await w.until('the key', async () => {
    const { Attributes } = await new SNS().getTopicAttributes({ TopicArn: arn(`${name}-error`) })
    return Attributes?.KmsMasterKeyId === 'alias/new'
  })
  t.is((await tagsOf(`${name}-error`)).team, 'vision')
  await w.remove()
  await w.gone()
})

test('with Retain, the topics stay with the endpoint, without the tags that say whose they are', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { ...asking(), deletionPolicy: 'Retain' } })
  await w.ready()
  const name = await w.nameInCloud()
  await w.remove()
  await w.gone()
  t.is((await topicNames(name)).length, 2)
  t.deepEqual(await tagsOf(`${name}-success`), {})
})

test('topics that a pass made before it died are deleted with the object, though its status never knew them', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: asking(), withoutImage: true })
  const name = await w.nameInCloud()
  const { metadata } = await w.endpoint()
  const uid = await w.cluster.kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}')
  const Tags = [
    { Key: OWNER_TAGS.cluster, Value: uid },
    { Key: OWNER_TAGS.uid, Value: metadata.uid ?? '' },
  ]
  await new SNS().createTopic({ Name: `${name}-success`, Tags })
  await w.remove()
  await w.gone()
  t.deepEqual(await topicNames(name), [])
})

test('topics that are no longer asked for when they come into being go with the object all the same', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: asking(), withoutImage: true })
  const name = await w.nameInCloud()
  cloud.setFault({ operation: 'sns.CreateTopic', effect: 'delay', delayMs: 1_500, times: 2 })
  await w.applyImage()
  await w.until('the first topic', async () => (await topicNames(name)).length > 0)
  await w.patch({ spec: { async: { notifications: null } } })
  await w.ready()
  t.is((await topicNames(name)).length, 2)
  await w.remove()
  await w.gone()
  t.deepEqual(await topicNames(name), [])
})
