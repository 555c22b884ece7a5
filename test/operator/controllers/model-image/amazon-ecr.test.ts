import test from 'ava'
import { cloudForFile, conditionOf, IMAGE, isTrue, world } from '../world.ts'
import { modelImage, REGISTRY, reasonOf } from './support.ts'

const cloud = await cloudForFile({ eventQueue: 'mooring' })
test.after.always(() => cloud.stop())

test('a push is noticed by its event, long before the interval', async (t) => {
  const w = await world({ environment: { MOORING_EVENT_QUEUE_URL: cloud.eventQueueUrl ?? '' } })
  t.teardown(() => w.stop())
  const image = modelImage(w)
  const repository = 'pushed'
  await image.apply({ image: `${REGISTRY}/${repository}:1`, resolveIntervalSeconds: 86_400 })
  await image.until('it is missed', (seen) => reasonOf(seen, 'Resolved') === 'RepositoryNotFound')
  cloud.registerImage({ ...IMAGE, repository, tag: '1', labels: { version: 'one' } })
  await image.until('Ready', (seen) => isTrue(seen, 'Ready'))
  const second = cloud.registerImage({ ...IMAGE, repository, tag: '1', labels: { version: 'two' } })
  const seen = await image.until('the second', ({ status }) => status?.digest === second)
  t.is(seen.status?.history?.length, 2)
})

test('of an index, the image for the processor of the instance types is taken', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  cloud.registerImage({ ...IMAGE, repository: 'both', tag: '1', architectures: ['amd64', 'arm64'] })
  const image = modelImage(w)
  await image.apply({ image: `${REGISTRY}/both:1`, target: { instanceTypes: ['ml.c7g.xlarge'] } })
  const arm = await image.until('Ready', (seen) => isTrue(seen, 'Ready'))
  t.is(arm.status?.platform?.architecture, 'arm64')
  t.truthy(arm.status?.indexDigest)
  await image.patch({ target: { instanceTypes: ['ml.g5.xlarge'] } })
  const amd = await image.until(
    'amd64',
    (seen) => isTrue(seen, 'Ready') && seen.status?.platform?.architecture === 'amd64',
  )
  t.is(amd.status?.indexDigest, arm.status?.indexDigest)
  t.not(amd.status?.digest, arm.status?.digest)
  await w.apply({ withoutImage: true, spec: { instance: { type: 'ml.c7g.xlarge' } } })
  await w.until('the refusal', (seen) => conditionOf(seen, 'ImageReady')?.reason === 'WrongPlatform')
})

test('vulnerabilities that the scan of the registry found keep an image from being used', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  const image = modelImage(w)
  const push = (CRITICAL: number) =>
    cloud.registerImage({
      ...IMAGE,
      repository: 'scanned',
      tag: '1',
      labels: { CRITICAL: String(CRITICAL) },
      scan: { status: 'COMPLETE', counts: { CRITICAL, LOW: 40 } },
    })
  push(2)
  await image.apply({ image: `${REGISTRY}/scanned:1`, checks: { scan: { policy: 'Enforce' } } })
  const seen = await image.until('the rejection', (now) => reasonOf(now, 'Verified') === 'ChecksFailed')
  t.regex(conditionOf(seen, 'Verified')?.message ?? '', /scan: .*CRITICAL/)
  push(0)
  await image.look()
  await image.until('Ready', (now) => isTrue(now, 'Ready'))
})

test('files that must be there are found in the layers, and one that lacks them is not used', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  const image = modelImage(w)
  const push = (path: string) =>
    cloud.registerImage({ ...IMAGE, repository: 'files', tag: '1', layers: [{ [path]: 'weights' }] })
  push('opt/ml/model/other/model.onnx')
  await image.apply({
    image: `${REGISTRY}/files:1`,
    checks: { requiredPaths: { paths: ['/opt/ml/model/sam3/model.onnx'] } },
  })
  const seen = await image.until('the rejection', (now) => reasonOf(now, 'Verified') === 'ChecksFailed')
  t.regex(conditionOf(seen, 'Verified')?.message ?? '', /requiredPaths: .*sam3/)
  push('opt/ml/model/sam3/model.onnx')
  await image.look()
  await image.until('Ready', (now) => isTrue(now, 'Ready'))
})
