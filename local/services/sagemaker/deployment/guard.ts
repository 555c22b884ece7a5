import type { DeploymentConfig } from '@aws-sdk/client-sagemaker'
import { FAILURES } from '../errors.ts'
import type { SagemakerDependencies } from '../types.ts'

/** Why a deployment is rolled back, in the words that become FailureReason; `''` says nothing. */
export class DeploymentFailed extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'DeploymentFailed'
  }
}

export type Guard = {
  /** Aborted with a DeploymentFailed, or with what the transition itself was aborted with. */
  signal: AbortSignal
  stop(): void
}

/** Watches a deployment's alarms and its time limit from its start; an alarm that is in ALARM already ends it at once. */
export function guard(
  { clock, alarms }: Pick<SagemakerDependencies, 'clock' | 'alarms'>,
  policy: DeploymentConfig | undefined,
  transition: AbortSignal,
): Guard {
  const failed = new AbortController()
  const over = new AbortController()
  const names = policy?.AutoRollbackConfiguration?.Alarms?.map(({ AlarmName: name = '' }) => name) ?? []
  const look = () => {
    const firing = names.filter((name) => alarms.stateOf(name) === 'ALARM')
    if (firing.length > 0) failed.abort(new DeploymentFailed(FAILURES.alarms(firing)))
  }
  const unsubscribe = alarms.onState(look)
  look()
  const seconds = (policy?.BlueGreenUpdatePolicy ?? policy?.RollingUpdatePolicy)?.MaximumExecutionTimeoutInSeconds
  if (seconds !== undefined) {
    clock.sleep(seconds * 1000, AbortSignal.any([over.signal, transition])).then(
      () => failed.abort(new DeploymentFailed(FAILURES.deploymentTimeout(seconds))),
      () => {},
    )
  }
  return {
    signal: AbortSignal.any([transition, failed.signal]),
    stop() {
      unsubscribe()
      over.abort()
    },
  }
}

/** Waits for `work`, or rejects with the signal's reason; the work itself goes on. */
export async function unless(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
