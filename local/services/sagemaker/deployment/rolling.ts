import type { CapacitySize } from '@aws-sdk/client-sagemaker'
import type { Variant } from '../types.ts'
import type { Deployment, Strategy } from './deploy.ts'
import { unless } from './guard.ts'
import { instancesOf } from './plan.ts'

/** Batch by batch: new instances come up and take their share, are watched, and as much of the old fleet ends. */
export const rolling: Strategy = {
  async forward(deployment, signal) {
    const { next, old, policy } = deployment
    const { MaximumBatchSize: size, WaitIntervalInSeconds: seconds = 0 } = policy?.RollingUpdatePolicy ?? {}
    const batches = batchesOf([...next.values()], size)
    for (let batch = 1; batch <= batches; batch++) {
      const part = batch / batches
      deployment.mark(next.values(), 'Creating', (variant) => `Launching ${upTo(part, variant)} instance(s).`)
      await unless(signal, bring(deployment, next, part))
      deployment.mark(
        next.values(),
        'ActivatingTraffic',
        (variant) => `Activating traffic on ${upTo(part, variant)} instance(s).`,
      )
      deployment.route(part)
      deployment.check()
      await deployment.bake(
        seconds * 1000,
        (variant) =>
          `Baking for ${seconds} seconds (WaitIntervalInSeconds) with traffic enabled on step capacity of ${upTo(part, variant)} instance(s).`,
      )
      await unless(signal, bring(deployment, old, 1 - part))
    }
  },

  async back(deployment) {
    const { next, old, policy } = deployment
    const batches = batchesOf([...old.values()], policy?.RollingUpdatePolicy?.RollbackMaximumBatchSize)
    try {
      for (let batch = 1; batch <= batches; batch++) {
        const part = batch / batches
        const running = (variant: Variant) => variant.fleet.desired() / Math.max(1, variant.desired)
        const least = Math.min(1, ...[...old.values()].map(running))
        if (part <= least) continue
        await bring(deployment, old, part)
        const left = Math.min(1 - part, ...[...next.values()].map(running))
        deployment.route(left)
        await bring(deployment, next, left)
      }
      return true
    } catch {
      return false
    }
  },
}

/** How many batches it takes until the last variant has all its instances; one at least, so that an empty fleet is checked too. */
function batchesOf(variants: readonly Variant[], size: CapacitySize | undefined): number {
  return Math.max(1, ...variants.map(({ desired }) => Math.ceil(desired / instancesOf(size, desired))))
}

function upTo(part: number, { desired }: Variant): number {
  return Math.ceil(Math.round(desired * part * 1e9) / 1e9)
}

/** Brings fleets to a part of their desired counts. @throws LaunchError */
async function bring({ deps }: Deployment, variants: Map<string, Variant>, part: number): Promise<void> {
  const grace = deps.delays.terminationGrace
  await Promise.all([...variants.values()].map((variant) => variant.fleet.resize(upTo(part, variant), grace)))
}
