import {
  AddTagsCommand,
  DeleteModelCommand,
  DeleteTagsCommand,
  ListTagsCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { cloudForFile, namesIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const sagemaker = new SageMakerClient()

async function tagsOf(ResourceArn: string): Promise<Record<string, string>> {
  const { Tags = [] } = await sagemaker.send(new ListTagsCommand({ ResourceArn }))
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]))
}

test('an edit of the tags reaches what is there already, and updates nothing', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { tags: { team: 'vision', stage: 'test' } } })
  const { status } = await w.ready()
  const arn = status?.endpointArn ?? ''
  const all = [
    arn,
    arn.replace(/endpoint\/.*/, `model/${status?.modelName}`),
    arn.replace(/endpoint\/.*/, `endpoint-config/${status?.endpointConfigName}`),
  ]
  await sagemaker.send(new AddTagsCommand({ ResourceArn: arn, Tags: [{ Key: 'cost-center', Value: '42' }] }))
  await w.patch({ spec: { tags: { team: 'maps', stage: null } } })
  await w.until('the tags', async () => (await tagsOf(arn)).team === 'maps')
  await w.ready()
  for (const each of all) {
    const tags = await tagsOf(each)
    t.is(tags.team, 'maps', each)
    t.false('stage' in tags, each)
    t.truthy(tags['mooring.dev/uid'], each)
  }
  t.is((await tagsOf(arn))['cost-center'], '42', 'a tag of somebody else stays')
  t.like(await w.calls(), { UpdateEndpoint: undefined, CreateEndpointConfig: 1 })
  t.false(
    (await w.events()).some(({ reason }) => reason === 'DriftCorrected'),
    'it was asked for',
  )
})

test('tags that somebody else took off or changed come back, with an event that names them', async (t) => {
  const w = await world({ intervals: { settled: 200, verify: 300 } })
  t.teardown(() => w.stop())
  await w.apply({ spec: { tags: { team: 'vision' } } })
  const arn = (await w.ready()).status?.endpointArn ?? ''
  await sagemaker.send(new DeleteTagsCommand({ ResourceArn: arn, TagKeys: ['mooring.dev/name'] }))
  await sagemaker.send(new AddTagsCommand({ ResourceArn: arn, Tags: [{ Key: 'team', Value: 'mine' }] }))
  await w.until('the tags', async () => {
    const tags = await tagsOf(arn)
    return tags.team === 'vision' && tags['mooring.dev/name'] === 'segment'
  })
  await w.until('the event', async () =>
    (await w.events()).some(({ reason, note }) => reason === 'DriftCorrected' && /mooring\.dev\/name, team/.test(note)),
  )
  t.pass()
})

test('a model that somebody deleted is made again', async (t) => {
  const w = await world({ intervals: { settled: 200, verify: 300 } })
  t.teardown(() => w.stop())
  await w.apply()
  const { status } = await w.ready()
  const name = await w.nameInCloud()
  const before = namesIn(cloud, name)
  await sagemaker.send(new DeleteModelCommand({ ModelName: status?.modelName }))
  await w.until('the model', () => namesIn(cloud, name).length === before.length)
  t.deepEqual(namesIn(cloud, name).sort(), before.sort())
})
