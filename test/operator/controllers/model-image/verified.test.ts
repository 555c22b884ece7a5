import test, { type ExecutionContext } from 'ava'
import { cloudForFile, conditionOf, IMAGE, isTrue, world } from '../world.ts'
import { modelImage, REGISTRY, reasonOf } from './support.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
let repositories = 0

/** A repository of its own, and how to push to it: `bad` is an image that no check of secrets lets pass. */
function repository() {
  const name = `verified-${++repositories}`
  return {
    image: `${REGISTRY}/${name}`,
    push: (tag: string, labels: Record<string, string>, { bad = false } = {}) =>
      cloud.registerImage({
        ...IMAGE,
        repository: name,
        tag,
        labels,
        ...(bad ? { environment: { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY' } } : {}),
      }),
  }
}

async function started(t: ExecutionContext, options: Parameters<typeof world>[0] = {}) {
  const w = await world({ intervals: { settled: 300 }, ...options })
  t.teardown(() => w.stop())
  return { w, image: modelImage(w), repository: repository() }
}

test('a digest that fails a check never replaces the one that runs, and is said with the remedy; a good one does', async (t) => {
  const { w, image, repository: repo } = await started(t)
  const first = repo.push('1', { version: 'one' })
  await image.apply({ image: `${repo.image}:1` })
  await w.apply({ withoutImage: true })
  await w.ready()

  const second = repo.push('1', { version: 'two' }, { bad: true })
  await image.look()
  const rejected = await image.until('the rejection', (seen) => reasonOf(seen, 'Verified') === 'ChecksFailed')
  t.like(rejected.status, { digest: first, candidate: { digest: second, state: 'Rejected' } })
  t.is(conditionOf(rejected, 'Ready')?.status, 'False')
  t.regex(conditionOf(rejected, 'Verified')?.message ?? '', /Endpoints stay on [0-9a-f]{12}\. forbiddenEnv: /)
  t.notRegex(JSON.stringify(rejected.status), /wJalrXUtnFEMI/)
  t.true(rejected.status?.checks?.some(({ name, verdict }) => name === 'forbiddenEnv' && verdict === 'Fail'))
  t.true((await w.events()).some(({ type, reason }) => type === 'Warning' && reason === 'ImageRejected'))
  const before = (await w.calls()).DescribeEndpoint ?? 0
  await w.until('the endpoint is looked at', async () => ((await w.calls()).DescribeEndpoint ?? 0) > before)
  t.is((await w.endpoint()).status?.image, `${repo.image}@${first}`)
  t.true(isTrue(await w.endpoint(), 'Ready'))

  const third = repo.push('1', { version: 'three' })
  await image.look()
  const good = await image.until('the good one', (seen) => seen.status?.digest === third)
  t.is(good.status?.candidate, undefined)
  t.deepEqual(
    good.status?.history?.map(({ digest, outcome }) => [digest, outcome]),
    [
      [third, 'InUse'],
      [second, 'Rejected'],
      [first, 'Replaced'],
    ],
  )
  t.is(good.status?.history?.[0]?.newLayers, 0, 'labels alone are no new layer')
  await w.until('the endpoint follows', ({ status }) => status?.image === `${repo.image}@${third}`)
  t.is(((await w.ready()).status?.revisions ?? []).length, 2)
})

test('where no digest was ever verified, an endpoint waits and no instance is paid for', async (t) => {
  const { w, image, repository: repo } = await started(t)
  repo.push('1', { version: 'one' }, { bad: true })
  await image.apply({ image: `${repo.image}:1` })
  await w.apply({ withoutImage: true })
  const condition = await w.until('ImageNotReady', (endpoint) => {
    const seen = conditionOf(endpoint, 'ImageReady')
    return seen?.reason === 'ImageNotReady' && /forbiddenEnv/.test(seen.message) && seen
  })
  t.regex(condition.message, /no verified digest/)
  t.is((await w.calls()).CreateModel, undefined)
  await image.patch({ checks: { forbiddenEnv: { policy: 'Warn' }, secrets: { policy: 'Ignore' } } })
  await w.ready()
  t.regex(conditionOf(await w.image(), 'Verified')?.message ?? '', /^With warnings: /)
})

test('a check that is made stricter blocks new endpoints, and leaves those that run alone', async (t) => {
  const { w, image, repository: repo } = await started(t)
  const digest = repo.push('1', { version: 'one' })
  await image.apply({ image: `${repo.image}:1` })
  await w.apply({ withoutImage: true })
  await w.ready()
  await image.patch({ checks: { requiredEnv: { variables: [{ name: 'MODEL_NAME' }] } } })
  await image.until('the rejection', (seen) => reasonOf(seen, 'Verified') === 'ChecksFailed')
  t.is((await w.image()).status?.digest, digest, 'what endpoints run is still said')
  await w.apply({ name: 'another', withoutImage: true })
  await w.until('the new one waits', (seen) => conditionOf(seen, 'ImageReady')?.reason === 'ImageNotReady', 'another')
  t.is((await w.calls()).CreateEndpoint, 1)
  t.is((await w.endpoint()).status?.endpointStatus, 'InService')
  t.is((await w.calls()).DeleteEndpoint, undefined)
})

test('a reference that leads nowhere leaves running endpoints their digest, and starts no others', async (t) => {
  const { w, image, repository: repo } = await started(t)
  const digest = repo.push('1', {})
  await image.apply({ image: `${repo.image}:1` })
  await w.apply({ withoutImage: true })
  await w.ready()
  await image.patch({ image: `${repo.image}:9.9.9` })
  const seen = await image.until('the refusal', (now) => reasonOf(now, 'Resolved') === 'ImageNotFound')
  t.is(seen.status?.digest, digest)
  t.not(seen.status?.verifiedGeneration, seen.metadata.generation)
  t.like(conditionOf(seen, 'Ready'), { status: 'False' })
  t.true((await w.events()).some(({ type, reason }) => type === 'Warning' && reason === 'ImageNotFound'))
  await w.apply({ name: 'another', withoutImage: true })
  await w.until('the new one waits', (now) => conditionOf(now, 'ImageReady')?.reason === 'ImageNotReady', 'another')
  t.is((await w.calls()).CreateEndpoint, 1)
  // The tag comes to stand for the very digest that runs: all is well without another endpoint.
  repo.push('9.9.9', {})
  await image.look()
  await image.until('Ready', (now) => isTrue(now, 'Ready'))
  await w.ready('another')
  await w.ready()
  t.is((await w.calls()).UpdateEndpoint, undefined)
})

test('a tag that is moved back is no change', async (t) => {
  const { image, repository: repo } = await started(t)
  const first = repo.push('1', { version: 'one' })
  await image.apply({ image: `${repo.image}:1` })
  await image.until('Ready', (seen) => isTrue(seen, 'Ready'))
  repo.push('1', { version: 'two' }, { bad: true })
  await image.look()
  await image.until('the rejection', (seen) => seen.status?.candidate?.state === 'Rejected')
  repo.push('1', { version: 'one' })
  await image.look()
  const back = await image.until('Ready again', (seen) => isTrue(seen, 'Ready'))
  t.like(back.status, { digest: first, candidate: undefined })
  t.deepEqual(
    back.status?.history?.map(({ outcome }) => outcome),
    ['Rejected', 'InUse'],
  )
})

test('a restarted operator asks the registry for no more than the tag', async (t) => {
  const { w, image, repository: repo } = await started(t, { intervals: { verify: 3_600_000 } })
  repo.push('1', {})
  await image.apply({ image: `${repo.image}:1` })
  await image.until('Ready', (seen) => isTrue(seen, 'Ready'))
  const { resourceVersion } = (await w.image()).metadata
  await w.restart()
  await w.until('a look', async () => (await w.calls()).BatchGetImage === 1).catch(() => undefined)
  t.is((await w.calls()).GetDownloadUrlForLayer, undefined)
  t.is((await w.image()).metadata.resourceVersion, resourceVersion)
})
