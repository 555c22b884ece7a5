import type { BlueGreenUpdatePolicy, CapacitySize } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { instancesOf, trafficSteps } from '../../../local/services/sagemaker/deployment/plan.ts'
import { dealer } from '../../../local/services/sagemaker-runtime/dealer.ts'

const percent = (Value: number): CapacitySize => ({ Type: 'CAPACITY_PERCENT', Value })
const instances = (Value: number): CapacitySize => ({ Type: 'INSTANCE_COUNT', Value })
const policy = (of: Partial<BlueGreenUpdatePolicy['TrafficRoutingConfiguration']>): BlueGreenUpdatePolicy => ({
  TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 60, ...of },
})
const shares = (of: BlueGreenUpdatePolicy | undefined, count = 4) => trafficSteps(of, count).map(({ share }) => share)

test('traffic moves at once, by a canary, or in steps; the last step takes all and does not wait', (t) => {
  t.deepEqual(shares(undefined), [1])
  t.deepEqual(shares(policy({})), [1])
  t.deepEqual(trafficSteps(policy({ Type: 'CANARY', CanarySize: percent(25) }), 4), [
    { share: 0.25, waitMs: 60_000, capacity: 'canary' },
    { share: 1, waitMs: 0, capacity: 'full' },
  ])
  t.deepEqual(shares(policy({ Type: 'CANARY', CanarySize: instances(1) })), [0.25, 1])
  t.deepEqual(shares(policy({ Type: 'LINEAR', LinearStepSize: percent(30) })), [0.3, 0.6, 0.9, 1])
  t.deepEqual(shares(policy({ Type: 'LINEAR', LinearStepSize: percent(10) })).length, 10)
  t.deepEqual(shares(policy({ Type: 'LINEAR', LinearStepSize: instances(2) })), [0.5, 1])
})

test('a share of no instances is all of them', (t) => {
  t.deepEqual(shares(policy({ Type: 'CANARY', CanarySize: instances(1) }), 0), [1])
  t.deepEqual(shares(policy({ Type: 'CANARY', CanarySize: percent(50) }), 0), [0.5, 1])
})

test('a batch is one instance at least, and parts of an instance are whole ones', (t) => {
  t.is(instancesOf(percent(50), 1), 1)
  t.is(instancesOf(percent(30), 10), 3)
  t.is(instancesOf(percent(25), 3), 1)
  t.is(instancesOf(percent(34), 3), 2)
  t.is(instancesOf(instances(2), 10), 2)
  t.is(instancesOf(undefined, 7), 7)
})

test('requests are dealt by share, anew with every change of the shares', (t) => {
  const { order, took } = dealer()
  const deal = (count: number, of: Record<string, number>) => {
    const fleets = Object.entries(of).map(([id, share]) => ({
      id,
      share,
      variantName: 'v',
      configName: id,
      instances: [],
    }))
    const dealt: Record<string, number> = {}
    for (let index = 0; index < count; index++) {
      const [first] = order(fleets)
      if (!first) break
      took(first)
      dealt[first.id] = (dealt[first.id] ?? 0) + 1
    }
    return dealt
  }
  t.deepEqual(deal(100, { old: 1 }), { old: 100 })
  t.deepEqual(deal(100, { old: 0.75, next: 0.25 }), { old: 75, next: 25 })
  t.deepEqual(deal(10, { old: 0, next: 1 }), { next: 10 })
  t.deepEqual(deal(3, {}), {})
})
