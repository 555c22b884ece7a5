import test, { type ExecutionContext } from 'ava'
import { IMAGE_ANNOTATIONS } from '../../../../operator/api/names.ts'
import { cloudForFile, conditionOf, IMAGE, isTrue, world } from '../world.ts'
import { modelImage, REGISTRY, reasonOf } from './support.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const push = (repository: string, tag: string, version: string, environment: Record<string, string> = {}) =>
  cloud.registerImage({ ...IMAGE, repository, tag, labels: { version }, environment })
const BAD = { AWS_SECRET_ACCESS_KEY: 'secret' }

async function started(t: ExecutionContext) {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  return { w, image: modelImage(w) }
}

test('with Manual, a moved tag waits for approval by its digest, and the endpoint stays Ready meanwhile', async (t) => {
  const { w, image } = await started(t)
  const first = push('manual', '1', 'one')
  await image.apply({ image: `${REGISTRY}/manual:1`, update: 'Manual' })
  await w.apply({ withoutImage: true })
  await w.ready()
  t.is(reasonOf(await w.image(), 'UpdateAvailable'), 'UpToDate')

  const bad = push('manual', '1', 'bad', BAD)
  await image.look()
  const rejected = await image.until('it', (seen) => reasonOf(seen, 'UpdateAvailable') === 'CandidateRejected')
  t.like(rejected.status, { digest: first, candidate: { digest: bad, state: 'Rejected' } })
  t.true(isTrue(rejected, 'Ready'), 'nobody asked for it')

  const second = push('manual', '1', 'two')
  await image.look()
  const waits = await image.until('approval', (seen) => reasonOf(seen, 'UpdateAvailable') === 'AwaitingApproval')
  t.like(waits.status, { digest: first, candidate: { digest: second, state: 'AwaitingApproval' } })
  t.regex(conditionOf(waits, 'UpdateAvailable')?.message ?? '', /mooring\.dev\/approve to [0-9a-f]{12} to use it/)
  t.true(isTrue(waits, 'Ready'))
  t.true(isTrue(await w.endpoint(), 'Ready'))

  await image.annotate({ [IMAGE_ANNOTATIONS.approve]: bad })
  await image.look()
  await image.until('a look', (seen) => seen.status?.candidate?.digest === second)
  t.is((await w.image()).status?.digest, first, 'another digest was approved')

  await image.annotate({ [IMAGE_ANNOTATIONS.approve]: second.slice(7, 19) })
  const used = await image.until('it is used', (seen) => seen.status?.digest === second)
  t.is(reasonOf(used, 'UpdateAvailable'), 'UpToDate')
  await w.until('the endpoint follows', ({ status }) => status?.image === `${REGISTRY}/manual@${second}`)
})

test('with Manual, whoever edits the reference itself has said what is wanted', async (t) => {
  const { image } = await started(t)
  push('edited', '1', 'one')
  const second = push('edited', '2', 'two')
  await image.apply({ image: `${REGISTRY}/edited:1`, update: 'Manual' })
  await image.until('Ready', (seen) => isTrue(seen, 'Ready'))
  await image.patch({ image: `${REGISTRY}/edited:2` })
  await image.until('it is used', (seen) => seen.status?.digest === second && isTrue(seen, 'Ready'))
  t.pass()
})

test('with Manual, a stricter check is held against the image in use while another one waits', async (t) => {
  const { image } = await started(t)
  push('stricter', '1', 'one')
  await image.apply({ image: `${REGISTRY}/stricter:1`, update: 'Manual' })
  await image.until('Ready', (seen) => isTrue(seen, 'Ready'))
  push('stricter', '1', 'two', { MODEL_NAME: 'sam' })
  await image.look()
  await image.until('approval', (seen) => reasonOf(seen, 'UpdateAvailable') === 'AwaitingApproval')
  await image.patch({ checks: { requiredEnv: { variables: [{ name: 'MODEL_NAME' }] } } })
  const seen = await image.until('the rejection', (now) => reasonOf(now, 'Verified') === 'ChecksFailed')
  t.is(reasonOf(seen, 'UpdateAvailable'), 'AwaitingApproval')
  t.is(seen.status?.verifiedGeneration, undefined)
})

test('a range of versions takes the newest tag in it, and passes over what is no version, or a version to come', async (t) => {
  const { w, image } = await started(t)
  for (const tag of ['latest', 'main-4f2a', '0.9.0', 'v1.2.0', '1.10.0-rc1', '2.0.0']) push('range', tag, tag)
  await image.apply({ image: `${REGISTRY}/range`, update: '^1.0' })
  await image.until('v1.2.0', (seen) => isTrue(seen, 'Ready') && seen.status?.tag === 'v1.2.0')
  const newer = push('range', '1.10.0', 'newer')
  await image.look()
  const seen = await image.until('1.10.0', (now) => now.status?.tag === '1.10.0')
  t.is(seen.status?.digest, newer)
  await image.patch({ update: '^3' })
  const none = await image.until('none', (now) => reasonOf(now, 'Resolved') === 'NoMatchingTag')
  t.regex(conditionOf(none, 'Resolved')?.message ?? '', /None of the 7 tags .*'\^3'/)
  await image.patch({ update: '>=x <=>' })
  await image.until('no range', (now) => reasonOf(now, 'Resolved') === 'VersionRangeInvalid')
  t.true((await w.events()).some(({ reason }) => reason === 'NoMatchingTag'))
})

for (const [what, spec, message] of [
  ['a reference without a registry', { image: 'sam-lite:1' }, /must begin with the registry/],
  ['a reference without a tag', { image: `${REGISTRY}/sam-lite` }, /needs a tag or a digest/],
  ['a tag beside a range of versions', { image: `${REGISTRY}/sam-lite:1`, update: '^1' }, /takes neither/],
  ['a word that is no way to update', { image: `${REGISTRY}/sam-lite:1`, update: 'Sometimes' }, /Automatic, Manual/],
  ['two tags', { image: `${REGISTRY}/sam-lite:1:2` }, /takes one tag/],
] as const)
  test(`the API server refuses ${what}, with what to write instead`, async (t) => {
    const { image } = await started(t)
    const error = await t.throwsAsync(image.apply(spec))
    t.regex(error?.message ?? '', message)
  })
