import test from 'ava'
import { FINALIZER } from '../../../../operator/api/names.ts'
import { cloudForFile, conditionOf, endpointIn, namesIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

test('deletion leaves nothing behind', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  t.true(namesIn(cloud, name).length >= 7)
  await w.remove()
  await w.gone()
  t.deepEqual(namesIn(cloud, name), [])
})

// Serial: the faults of one are cleared by the other.
test.serial('an endpoint that is still being created is deleted as soon as SageMaker lets it', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ withoutImage: true })
  const name = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-creating', subject: name })
  await w.applyImage()
  await w.until('Creating', ({ status }) => status?.phase === 'Creating')
  await w.remove()
  const condition = await w.until('WaitingToDelete', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'WaitingToDelete' && seen
  })
  t.regex(condition.message, /status Creating/)
  t.true((await w.endpoint()).metadata.finalizers?.includes(FINALIZER))
  t.true(namesIn(cloud, `${name}-`).length >= 2, 'model and configuration stay while the endpoint needs them')
  cloud.clearFaults()
  await w.gone()
  t.deepEqual(namesIn(cloud, name), [])
})

test('an object whose endpoint was never made goes without one', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ withoutImage: true })
  await w.until('ImageMissing', (endpoint) => conditionOf(endpoint, 'ImageReady')?.reason === 'ImageMissing')
  await w.remove()
  await w.gone()
  t.is((await w.calls()).DeleteEndpoint, undefined)
})

test.serial('an operator that starts anew in the middle of a deletion ends it', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-deleting', subject: name })
  await w.remove()
  await w.until('Deleting', () => endpointIn(cloud, name)?.EndpointStatus === 'Deleting')
  await w.restart()
  cloud.clearFaults()
  await w.gone()
  t.deepEqual(namesIn(cloud, name), [])
})

test('deletionPolicy Retain leaves the endpoint, without the tags that say whose it is', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({ spec: { deletionPolicy: 'Retain' } })
  await w.ready()
  const name = await w.nameInCloud()
  const before = namesIn(cloud, name)
  await w.remove()
  await w.gone()
  t.deepEqual(namesIn(cloud, name), before)
  t.is(endpointIn(cloud, name)?.EndpointStatus, 'InService')
  const { ListTagsCommand, SageMakerClient } = await import('@aws-sdk/client-sagemaker')
  const arn = `arn:aws:sagemaker:us-east-1:123456789012:endpoint/${name}`
  const { Tags } = await new SageMakerClient().send(new ListTagsCommand({ ResourceArn: arn }))
  t.deepEqual(Tags, [])
})
