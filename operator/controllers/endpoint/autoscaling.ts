import { autoscalingRestored } from './events.ts'
import { contentHash } from './names.ts'
import type { Outcome, ServingPass } from './pass.ts'

/**
 * Makes sure of scalable target, policies and wake-up alarm. Checked at least once by every process and for every endpoint made:
 * SageMaker deregisters the target with the endpoint, and an operator that died between deregistering and registering again would
 * leave an endpoint that never scales to zero.
 */
export async function autoscalingStep(pass: ServingPass): Promise<Outcome> {
  const { desired, seen, conditions, generation, memory, now, intervals, providers, signal, log } = pass
  const revision = contentHash({ autoscaling: desired.autoscaling, endpoint: seen.createdAt.toISOString() })
  const verified = memory.verified.get('autoscaling')
  const fresh = verified?.revision === revision && now.getTime() - verified.at <= intervals.verify
  if (!fresh) {
    const condition = conditions.get('AutoscalingReady')
    const made = condition?.status === 'True' && condition.observedGeneration === generation
    const inOrder = made && (await providers.autoscaling.upToDate(desired.autoscaling, signal))
    if (!inOrder) {
      await providers.autoscaling.put(desired.autoscaling, signal)
      log.info({ resource: desired.endpointName, restored: made }, 'put scalable target, policies and alarm')
      if (made) pass.emit(autoscalingRestored())
    }
    memory.verified.set('autoscaling', { revision, at: now.getTime() })
  }
  conditions.true_('AutoscalingReady', 'Registered', '')
  return { kind: 'proceed' }
}
