import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { ModelImage } from '../../../../operator/api/model-image.ts'
import { MODEL_IMAGES } from '../../../../operator/api/names.ts'
import { cloudForFile, IMAGE, isTrue, type World, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const REPOSITORY = '123456789012.dkr.ecr.us-east-1.amazonaws.com'

async function until(w: World, found: (image: ModelImage) => boolean): Promise<ModelImage> {
  for (const end = Date.now() + 60_000; Date.now() < end; await delay(50)) {
    const image = await w.image()
    if (found(image)) return image
  }
  throw new Error(`not within a minute: ${JSON.stringify((await w.image()).status)}`)
}
test('a tag is pinned to its digest, and the image is looked into', async (t) => {
  const digest = cloud.registerImage({
    ...IMAGE,
    repository: 'looked-into',
    entrypoint: ['node', 'main.ts'],
    sizeBytes: 22_100_000_000,
  })
  const w = await world()
  t.teardown(() => w.stop())
  await w.applyImage(`${REPOSITORY}/looked-into:1.0.0`)
  const { status } = await until(w, (image) => isTrue(image, 'Ready'))
  t.like(status, {
    image: `${REPOSITORY}/looked-into@${digest}`,
    digest,
    shortDigest: digest.slice(7, 19),
    size: '22.1 GB',
    layers: 1,
    platform: { os: 'linux', architecture: 'amd64' },
    entrypoint: ['node', 'main.ts'],
    exposedPorts: ['8080/tcp'],
    observedGeneration: 1,
  })
  t.truthy(status?.pushedAt)
  const { BatchGetImage, DescribeImages } = await w.calls()
  t.deepEqual([BatchGetImage, DescribeImages], [1, 1], 'our own status write asks the registry nothing')
})

test('an object that is deleted goes at once: nothing was made for it', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.applyImage()
  await until(w, (image) => isTrue(image, 'Ready'))
  await w.kube.delete(MODEL_IMAGES, { namespace: w.namespace, name: 'sam-lite' })
  await t.throwsAsync(w.image(), { name: 'KubeError' })
})
