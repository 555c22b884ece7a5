import type { Strategy } from './deploy.ts'
import { unless } from './guard.ts'
import { trafficSteps } from './plan.ts'

/** A whole new fleet beside the old one; then traffic moves: all at once, by a canary, or step by step. */
export const blueGreen: Strategy = {
  async forward(deployment, signal) {
    const { next, mark } = deployment
    const variants = [...next.values()]
    mark(variants, 'Creating', ({ desired }) => `Launching ${desired} instance(s).`)
    let unhealthy: unknown
    await unless(signal, deployment.start(variants)).catch((error: unknown) => {
      signal.throwIfAborted()
      unhealthy = error
    })
    // A fault's own reason comes before that of the instances, which have written their log lines by now.
    deployment.check()
    if (unhealthy !== undefined) throw unhealthy

    const policy = deployment.policy?.BlueGreenUpdatePolicy
    const count = variants.reduce((sum, { desired }) => sum + desired, 0)
    for (const { share, waitMs, capacity } of trafficSteps(policy, count)) {
      const taking = (desired: number) => Math.ceil(desired * share)
      mark(variants, 'ActivatingTraffic', ({ desired }) => `Activating traffic on ${taking(desired)} instance(s).`)
      deployment.route(share)
      await deployment.bake(
        waitMs,
        ({ desired }) =>
          `Baking for ${waitMs / 1000} seconds (WaitIntervalInSeconds) with traffic enabled on ${capacity} capacity of ${taking(desired)} instance(s).`,
      )
    }
    const seconds = policy?.TerminationWaitInSeconds ?? 0
    await deployment.bake(
      seconds * 1000,
      ({ desired }) =>
        `Baking for ${seconds} seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of ${desired} instance(s).`,
    )
  },
  // The old fleet was never touched.
  back: async () => true,
}
