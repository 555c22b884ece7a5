import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { SageMakerClient, UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker'
import { InvokeEndpointAsyncCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime'
import test from 'ava'
import { virtualClock } from '../../../../local/clock.ts'
import type { AsyncInferenceEndpoint } from '../../../../operator/api/async-inference-endpoint.ts'
import { cloudForFile, conditionOf, isTrue, type World, world } from '../world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const clock = virtualClock(Date.UTC(2026, 10, 25))
const cloud = await cloudForFile({ clock, delays: { metricPeriod: MINUTE } })
const s3 = new S3Client({ forcePathStyle: true })
await s3.send(new CreateBucketCommand({ Bucket: 'cost' }))
await s3.send(new PutObjectCommand({ Bucket: 'cost', Key: 'in', Body: 'hello' }))
const output = { async: { output: { s3OutputPath: 's3://cost/out/' } } }
test.after.always(() => cloud.stop())

/** Time moves on by `step` with each look. */
async function passing<T>(
  w: World,
  what: string,
  found: (endpoint: AsyncInferenceEndpoint) => T | undefined | false,
  step: number,
): Promise<T> {
  return await w.until(what, async (endpoint) => {
    const answer = found(endpoint)
    if (answer !== undefined && answer !== false) return answer
    await clock.advance(step)
    return undefined
  })
}

const starting = () => world({ intervals: { inFlight: 50, settled: 100, verify: 200 }, now: clock.now })
const ready = (w: World) => passing(w, 'Ready', (endpoint) => isTrue(endpoint, 'Ready') && endpoint, SECOND)
const scaleTo = async (w: World, count: number) => {
  await new SageMakerClient().send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: await w.nameInCloud(),
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: count }],
    }),
  )
  await passing(w, `${count} running`, ({ status }) => status?.instances?.current === count, SECOND)
}
/** Within a share: looks are some minutes of the clock apart. */
const about = (text: string | undefined, wanted: number, share = 0.05) =>
  Math.abs(Number(text) - wanted) <= wanted * share

test.serial('an endpoint says what it costs, across a restart of the operator, and nothing at zero', async (t) => {
  const w = await starting()
  t.teardown(() => w.stop())
  await w.apply({ spec: { scaling: { minInstances: 1, maxInstances: 3 } } })
  t.like((await ready(w)).status?.cost, {
    hourlyPrice: '1.515',
    month: '2026-11',
    alwaysOn: '1105.95',
    priceAsOf: '2026-09',
  })
  const start = clock.now()
  await passing(w, 'ten hours', () => clock.now() - start >= 10 * HOUR, 5 * MINUTE)
  await w.restart()
  await passing(w, 'twenty hours', () => clock.now() - start >= 20 * HOUR, 5 * MINUTE)
  const after = await passing(
    w,
    'counted',
    ({ status }) => Date.parse(status?.cost?.countedAt ?? '') - start >= 20 * HOUR && status?.cost,
    MINUTE,
  )
  const hours = (Date.parse(after.countedAt) - start) / HOUR
  t.true(about(after.monthToDate, 1.515 * hours), `${after.monthToDate} after ${hours} h`)
  const metrics = await (await fetch(`${w.operator.address}/metrics`)).text()
  t.regex(
    metrics,
    new RegExp(`mooring_endpoint_hourly_cost_usd\\{namespace="${w.namespace}",name="segment"\\} 1\\.515`),
  )
  t.regex(
    metrics,
    new RegExp(`mooring_endpoint_month_cost_usd\\{namespace="${w.namespace}",name="segment"\\} [23]\\d\\.`),
  )

  await w.patch({ spec: { scaling: { minInstances: 0 } } })
  await scaleTo(w, 0)
  const asleep = await passing(
    w,
    'nothing an hour',
    ({ status, metadata }) => status?.cost?.hourly === '0.00' && metadata,
    SECOND,
  )
  const slept = clock.now()
  await passing(w, 'five hours', () => clock.now() - slept >= 5 * HOUR, 5 * MINUTE)
  t.is((await w.endpoint()).metadata.resourceVersion, asleep.resourceVersion)
})

test.serial('while an update runs, both fleets are counted', async (t) => {
  const w = await starting()
  t.teardown(() => w.stop())
  await w.apply()
  await ready(w)
  const rollout = { strategy: 'Canary', waitIntervalSeconds: 3600 }
  await w.patch({ spec: { environment: { LOG_LEVEL: 'debug' }, rollout } })
  const both = await passing(w, 'two are billed', ({ status }) => status?.cost?.instances === 2 && status, SECOND)
  t.like(both, { instances: { current: 1, billed: 2 }, cost: { hourly: '3.03' } })
})

test.serial('without a price there is no cost, and the reason is said', async (t) => {
  const w = await starting()
  t.teardown(() => w.stop())
  await w.apply({ spec: { instance: { type: 'ml.m5.24xlarge' }, budget: { monthlyUsd: 1 } } })
  const { status } = await ready(w)
  t.regex(status?.cost?.message ?? '', /No price is known for ml\.m5\.24xlarge/)
  t.is(status?.cost?.monthToDate, undefined)
  t.like(conditionOf({ status: { conditions: status?.conditions } }, 'WithinBudget'), {
    status: 'Unknown',
    reason: 'PriceUnknown',
  })
})

test.serial('at 80 % of the budget it is said; at all of it nothing is started until there is more', async (t) => {
  const w = await starting()
  t.teardown(() => w.stop())
  await w.apply({ spec: { ...output, scaling: { minInstances: 1, maxInstances: 1 }, budget: { monthlyUsd: 5 } } })
  const { endpointName: EndpointName } = (await ready(w)).status ?? {}
  const condition = (endpoint: AsyncInferenceEndpoint) => conditionOf(endpoint, 'WithinBudget')
  const told = async (wanted: string) => (await w.events()).filter(({ reason }) => reason === wanted).length
  t.is(condition(await w.endpoint())?.status, 'True')
  await passing(w, '80 %', ({ status }) => status?.cost?.warnedAt === 5, 5 * MINUTE)
  const over = await passing(w, 'over', (endpoint) => condition(endpoint)?.status === 'False' && endpoint, 5 * MINUTE)
  t.true(about(over.status?.cost?.monthToDate, 5, 0.2), over.status?.cost?.monthToDate)
  t.regex(condition(over)?.message ?? '', /^Raise spec\.budget\.monthlyUsd.*waking from zero included/)
  t.true(isTrue(over, 'Ready'))
  await w.until(
    'the events',
    async () => (await told('BudgetNearlyUsed')) === 1 && (await told('BudgetExceeded')) === 1,
  )

  // Scaling in goes on, and is the way to spend less.
  await w.patch({ spec: { scaling: { minInstances: 0 } } })
  await passing(w, 'zero', ({ status }) => status?.phase === 'ScaledToZero', MINUTE)
  await new SageMakerRuntimeClient().send(
    new InvokeEndpointAsyncCommand({ EndpointName, InputLocation: 's3://cost/in' }),
  )
  const asked = clock.now()
  await passing(w, 'an hour', () => clock.now() - asked > HOUR, MINUTE)
  t.is((await w.endpoint()).status?.phase, 'ScaledToZero')

  await w.patch({ spec: { budget: { monthlyUsd: 50 } } })
  await passing(w, 'awake', ({ status }) => status?.instances?.current === 1, MINUTE)
  t.false((await w.events()).some(({ reason }) => reason === 'AutoscalingRestored'))

  await w.patch({ spec: { budget: { monthlyUsd: 5 } } })
  await passing(w, 'over again', (endpoint) => condition(endpoint)?.status === 'False', SECOND)
  const december = await passing(
    w,
    'a new month',
    (seen) => seen.status?.cost?.month === '2026-12' && seen,
    30 * MINUTE,
  )
  t.is(condition(december)?.status, 'True')
})
