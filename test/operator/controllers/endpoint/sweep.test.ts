import { setTimeout as delay } from 'node:timers/promises'
import { DeleteEndpointCommand, SageMakerClient } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { cloudForFile, endpointIn, isTrue, type World, world } from '../world.ts'

// Each world has a cloud of its own, since the sweep and its faults concern all endpoints of one.
const HOUR_MS = 3_600_000
const SETTLED_MS = 400

test.serial('endpoints that are settled are looked at together, and not one by one', async (t) => {
  const { w } = await settledWorld(t)
  const before = await w.calls()
  await delay(8 * SETTLED_MS)
  const after = await w.calls()
  const more = (operation: string) => (after[operation] ?? 0) - (before[operation] ?? 0)
  t.true(more('ListEndpoints') >= 3, `${more('ListEndpoints')} sweeps`)
  t.true(more('DescribeEndpoint') <= 2, `${more('DescribeEndpoint')} descriptions`)
})

test.serial('an endpoint that somebody else deleted is noticed by the sweep, and made again', async (t) => {
  const { w, cloud } = await settledWorld(t)
  const name = await w.nameInCloud()
  const first = endpointIn(cloud, name)?.CreationTime
  const sagemaker = new SageMakerClient({})
  t.teardown(() => sagemaker.destroy())
  await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }))
  await w.until('another endpoint', (endpoint) => {
    const now = endpointIn(cloud, name)?.CreationTime
    return isTrue(endpoint, 'Ready') && now !== undefined && now !== first
  })
  t.pass()
})

test.serial('where listing is refused, each endpoint is described as before', async (t) => {
  const { w, cloud } = await settledWorld(t)
  cloud.setFault({ operation: 'sagemaker.ListEndpoints', effect: 'error', code: 'AccessDeniedException' })
  await delay(2 * SETTLED_MS)
  const before = (await w.calls()).DescribeEndpoint ?? 0
  await w.until('three more descriptions', async () => ((await w.calls()).DescribeEndpoint ?? 0) >= before + 3)
  t.true(isTrue(await w.endpoint(), 'Ready'))
})

test.serial('a restarted operator describes each endpoint once', async (t) => {
  const { w } = await settledWorld(t)
  await w.restart()
  // The metrics are of the new operator alone.
  await w.until('a description', async () => (await w.calls()).DescribeEndpoint)
  await delay(6 * SETTLED_MS)
  const { DescribeEndpoint = 0 } = await w.calls()
  t.true(DescribeEndpoint <= 2, `${DescribeEndpoint} descriptions`)
})

test.serial('a changed spec is acted upon by what SageMaker says, not by what is remembered', async (t) => {
  const { w, cloud } = await settledWorld(t)
  const name = await w.nameInCloud()
  const config = endpointIn(cloud, name)?.EndpointConfigName
  const before = (await w.calls()).DescribeEndpoint ?? 0
  await w.patch({ spec: { environment: { LEVEL: '2' } } })
  await w.until('the new configuration', (endpoint) => {
    const seen = endpointIn(cloud, name)
    return isTrue(endpoint, 'Ready') && seen?.EndpointStatus === 'InService' && seen.EndpointConfigName !== config
  })
  t.true(((await w.calls()).DescribeEndpoint ?? 0) >= before + 2)
})

type Teardown = { teardown(fn: () => Promise<void>): void }

async function settledWorld(t: Teardown): Promise<{ w: World; cloud: Awaited<ReturnType<typeof cloudForFile>> }> {
  const cloud = await cloudForFile()
  const w = await world({ intervals: { settled: SETTLED_MS, verify: HOUR_MS } })
  t.teardown(async () => {
    await w.stop()
    await cloud.stop()
  })
  await w.apply()
  await w.ready()
  return { w, cloud }
}
