import test from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import type { JsonObject } from '../../../local/service.ts'
import { arn, eventually, type World, world } from './world.ts'

const pool = (InstanceType: string, Priority: number, of: JsonObject = {}) => ({ InstanceType, Priority, ...of })
const POOLS = [pool('ml.g5.2xlarge', 2), pool('ml.g5.xlarge', 1)]
/** A variant with pools in place of an instance type. */
const pooled = (InstancePools: JsonObject[] = POOLS, of: JsonObject = {}) => ({
  InstanceType: undefined,
  InstancePools,
  ...of,
})
const NO_CAPACITY = 'Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.'

const counts = async (w: World) => {
  const [variant] = (await w.describe('a')).ProductionVariants as JsonObject[]
  const pools = (variant?.InstancePools ?? []) as { InstanceType: string; CurrentInstanceCount: number }[]
  return Object.fromEntries(pools.map((each) => [each.InstanceType, each.CurrentInstanceCount]))
}

test('pools that are too many, ambiguous or beside an instance type are refused', async (t) => {
  const w = world(t)
  const refused = (variant: JsonObject, message: RegExp | string) =>
    t.throwsAsync(w.config(`c${Math.random().toString(36).slice(2)}`, { variant }), {
      name: 'ValidationException',
      message,
    })
  await refused({ InstancePools: POOLS }, /InstanceType and InstancePools cannot both/)
  await refused({ InstanceType: undefined }, /instanceType' failed to satisfy constraint: Member must not be null/)
  await refused(pooled([]), /instancePools' .* length greater than or equal to 1/)
  const many = ['xlarge', '2xlarge', '4xlarge', '8xlarge', '12xlarge', '16xlarge'].map((size) =>
    pool(`ml.g5.${size}`, 1),
  )
  await refused(pooled(many), /length less than or equal to 5/)
  await refused(pooled([pool('ml.g5.xlarge', 0)]), /priority' .* greater than or equal to 1/)
  await refused(pooled([pool('ml.g5.xlarge', 6)]), /priority' .* less than or equal to 5/)
  await refused(pooled([pool('ml.none', 1)]), /enum value set/)
  await refused(pooled([pool('ml.g5.xlarge', 1), pool('ml.g5.2xlarge', 1)]), /Priority .* must be unique/)
  await refused(pooled([pool('ml.g5.xlarge', 1), pool('ml.g5.xlarge', 2)]), /InstanceType .* must be unique/)
  await refused(pooled([pool('ml.g5.xlarge', 1, { ModelNameOverride: 'none' })]), /^Could not find model ".*none"\.$/)
  await refused(pooled(POOLS, { VariantInstanceProvisionTimeoutInSeconds: 299 }), /greater than or equal to 300/)
  await refused(pooled(POOLS, { VariantInstanceProvisionTimeoutInSeconds: 3601 }), /less than or equal to 3600/)
})

test('the pool of the highest priority is taken first, the next where that one has no capacity', async (t) => {
  const w = world(t)
  await w.endpoint('a', { variant: pooled(POOLS, { InitialInstanceCount: 2 }) })
  t.deepEqual(await counts(w), { 'ml.g5.2xlarge': 0, 'ml.g5.xlarge': 2 })
  w.faults.set({ name: 'instance.capacity', instanceType: 'ml.g5.xlarge' })
  t.is(await w.sagemaker.setDesired('a', 'AllTraffic', 3), undefined)
  t.deepEqual(await counts(w), { 'ml.g5.2xlarge': 1, 'ml.g5.xlarge': 2 })
  w.faults.set({ name: 'instance.capacity', instanceType: 'ml.g5.2xlarge', reason: 'None left.' })
  t.is(await w.sagemaker.setDesired('a', 'AllTraffic', 4), 'None left.')
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 3, current: 3 })
})

test('an instance type without capacity fails its endpoint, another type is unaffected', async (t) => {
  const w = world(t)
  w.faults.set({ name: 'instance.capacity', instanceType: 'ml.m5.xlarge' })
  await w.config('a')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.is((await w.until('a', 'Failed')).FailureReason, NO_CAPACITY)
  await w.endpoint('b', { variant: { InstanceType: 'ml.m5.2xlarge' } })
  t.is((await w.describe('b')).EndpointStatus, 'InService')
})

test('capacity is asked for again until the provision timeout, on the cloud’s clock', async (t) => {
  const clock = virtualClock()
  const w = world(t, { clock })
  const create = async (name: string) => {
    await w.config(name, { variant: pooled(POOLS, { VariantInstanceProvisionTimeoutInSeconds: 300 }) })
    await w.call('CreateEndpoint', { EndpointName: name, EndpointConfigName: name })
  }
  w.faults.set({ name: 'instance.capacity' })
  await create('a')
  await clock.advance(299_000)
  t.is((await w.describe('a')).EndpointStatus, 'Creating')
  w.faults.clear()
  await clock.advance(1_000)
  await w.until('a', 'InService')
  w.faults.set({ name: 'instance.capacity' })
  await create('b')
  await clock.advance(300_000)
  t.is((await w.until('b', 'Failed')).FailureReason, NO_CAPACITY)
})

test('a pool may run a model of its own', async (t) => {
  const w = world(t)
  await w.model('small', 'echo', { Environment: { MODEL: 'small' } })
  await w.endpoint('a', {
    repository: 'echo',
    async: false,
    container: { Environment: { MODEL: 'large' } },
    variant: pooled([pool('ml.g5.2xlarge', 1), pool('ml.g5.xlarge', 2, { ModelNameOverride: 'small' })]),
  })
  const model = async () => {
    const asked = await w.call('InvokeEndpoint', { EndpointName: 'a', Body: Buffer.from('{"environment":true}') })
    return JSON.parse(Buffer.from(asked.Body as Uint8Array).toString()).environment.MODEL
  }
  t.is(await model(), 'large')
  w.faults.set({ name: 'instance.capacity', instanceType: 'ml.g5.2xlarge' })
  w.faults.set({ name: 'instance.kill', times: 1 })
  await eventually(async () => (await model().catch(() => undefined)) === 'small' || undefined, 'the other model')
  t.deepEqual(await counts(w), { 'ml.g5.2xlarge': 0, 'ml.g5.xlarge': 1 })
})

test('the pools of a scalable target cannot change; their models can', async (t) => {
  const w = world(t)
  await w.endpoint('a', { variant: pooled() })
  w.targets.add('a/AllTraffic')
  await w.config('swapped', { variant: pooled([pool('ml.g5.2xlarge', 1), pool('ml.g5.xlarge', 2)]) })
  await w.config('single', { variant: { InstanceType: 'ml.g5.2xlarge' } })
  await w.config('model', {
    variant: pooled([pool('ml.g5.xlarge', 1), pool('ml.g5.2xlarge', 2, { ModelNameOverride: 'a' })]),
  })
  const update = (EndpointConfigName: string) => w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName })
  for (const name of ['swapped', 'single'])
    await t.throwsAsync(update(name), { name: 'ValidationException', message: /instance type of variant "AllTraffic"/ })
  await update('model')
  t.is((await w.until('a', 'InService')).EndpointConfigName, 'model')
  t.is((await w.describe('a')).EndpointArn, arn('endpoint', 'a'))
})
