import test from 'ava'
import { JOBS } from '../../../../../operator/controllers/model-image/contract-test/objects.ts'
import { eventually } from '../../../kube/support.ts'
import { cloudForFile, conditionOf, endpointIn, IMAGE, isTrue, world } from '../../world.ts'
import { modelImage, REGISTRY, reasonOf } from '../support.ts'
import { GOOD, kubelet, POD, WRONG } from './stage.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

const push = (tag: string, version: string) =>
  cloud.registerImage({ ...IMAGE, repository: 'contract', tag, labels: { version } })

test('an endpoint waits for the contract test of its image, runs the digest that passed, and stays on it when another fails', async (t) => {
  const w = await world({
    intervals: { settled: 300 },
    environment: { MOORING_CONTRACT_TEST_IMAGE: 'mooring-operator:test' },
  })
  t.teardown(() => w.stop())
  const image = modelImage(w)
  const node = kubelet(w.kube, w.namespace)
  const jobs = async () => (await w.kube.list(JOBS, { namespace: w.namespace })).items
  const first = push('1', 'one')
  await image.apply({ image: `${REGISTRY}/contract:1`, contractTest: {} })
  await w.apply({ withoutImage: true })

  await eventually('the Job', async () => (await jobs()).length === 1)
  await node.write(POD.testing)
  const testing = await image.until('the test runs', (seen) => seen.status?.contractTest?.state === 'Running')
  t.is(reasonOf(testing, 'Verified'), 'ContractTestPending')
  t.is(testing.status?.candidate?.state, 'Testing')
  t.is(endpointIn(cloud, await w.nameInCloud()), undefined, 'nothing is paid for yet')
  await node.write(POD.ended(GOOD, 0))
  await w.ready()
  t.is((await w.endpoint()).status?.image, `${REGISTRY}/contract@${first}`)
  t.deepEqual(await jobs(), [])
  await node.remove()

  const second = push('1', 'two')
  await image.look()
  await eventually('the next Job', async () => (await jobs()).length === 1)
  await node.write(POD.ended(WRONG, 0))
  const rejected = await image.until('the rejection', (seen) => reasonOf(seen, 'Verified') === 'ContractTestFailed')
  t.like(rejected.status, { digest: first, candidate: { digest: second, state: 'Rejected' } })
  t.regex(
    conditionOf(rejected, 'Verified')?.message ?? '',
    /Endpoints stay on .* The contract test failed\. one-cat: It answered 500/,
  )
  t.deepEqual(await jobs(), [])
  t.is((await w.endpoint()).status?.image, `${REGISTRY}/contract@${first}`)
  t.true(isTrue(await w.endpoint(), 'Ready'))
})

test('a verdict that is not required is told and blocks nothing; contract tests that are turned off block what requires one', async (t) => {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  push('2', 'three')
  const image = modelImage(w)
  await image.apply({ image: `${REGISTRY}/contract:2`, contractTest: {} })
  const waiting = await image.until('it waits', (seen) => reasonOf(seen, 'Verified') === 'ContractTestDisabled')
  t.regex(conditionOf(waiting, 'Verified')?.message ?? '', /set the chart value contractTest\.enabled/)
  await image.patch({ contractTest: { required: false } })
  await image.until('it is used', (seen) => isTrue(seen, 'Ready'))
})
