import { LaunchError } from '../../instances/fleet.ts'
import { FAILURES } from './errors.ts'
import type { Pool } from './instance-pools.ts'
import { reasonOf } from './launch.ts'
import { pause } from './pause.ts'
import type { SagemakerDependencies } from './types.ts'

/** How often capacity is asked for again within VariantInstanceProvisionTimeoutInSeconds, on the cloud's clock. */
const RETRY_MS = 30_000

/**
 * Finds a pool that has an instance: in order of priority, and again until `timeoutMs` of the cloud's clock are over.
 * @throws LaunchError where none has
 */
export async function provision(
  { clock, faults }: Pick<SagemakerDependencies, 'clock' | 'faults'>,
  endpointName: string,
  pools: readonly [Pool, ...Pool[]],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Pool> {
  const deadline = clock.now() + timeoutMs
  for (;;) {
    let reason: string | undefined
    for (const pool of pools) {
      const { instanceType } = pool
      const lacking = faults.hit('instance.capacity', endpointName, { instanceType })
      if (!lacking) return pool
      reason = reasonOf(lacking)
    }
    const left = deadline - clock.now()
    if (left <= 0) throw new LaunchError(reason ?? FAILURES.capacity())
    await pause(clock, Math.min(RETRY_MS, left), signal)
  }
}
