import { autoscalingRestored } from './events.ts'
import { contentHash } from './names.ts'
import type { Outcome, ServingPass } from './pass.ts'
import { isVerified, noteVerified } from './verified.ts'

/**
 * Makes sure of scalable target, policies and wake-up alarm. Checked at least once by every process and for every endpoint made:
 * SageMaker deregisters the target with the endpoint, and an operator that died between deregistering and registering again would
 * leave an endpoint that never scales to zero.
 */
export async function autoscalingStep(pass: ServingPass): Promise<Outcome> {
  const { desired, seen, status, spec, conditions, generation, providers, signal, log } = pass
  const revision = contentHash({ autoscaling: desired.autoscaling, endpoint: seen.createdAt.toISOString() })
  if (!isVerified(pass, 'autoscaling', revision)) {
    const condition = conditions.get('AutoscalingReady')
    const { minInstances, maxInstances, schedule } = spec.scaling
    const { SuspendedState: suspended } = desired.autoscaling.target
    const bounds = contentHash({ minInstances, maxInstances, schedule, suspended })
    const rebound = status.scalingRevision !== bounds
    if (condition?.status !== 'True') {
      await providers.autoscaling.put(desired.autoscaling, { bounds: true, clean: false }, signal)
      log.info({ resource: desired.endpointName }, 'put scalable target, policies and alarm')
    } else {
      const { what, target } = await providers.autoscaling.differences(desired.autoscaling, signal)
      if (rebound || what.length > 0) {
        await providers.autoscaling.put(desired.autoscaling, { bounds: rebound || target, clean: rebound }, signal)
        log.info({ resource: desired.endpointName, what }, 'corrected the scaling')
        // After an edit, a difference is what was asked for.
        if (!rebound && condition.observedGeneration === generation) pass.emit(autoscalingRestored(what))
      }
    }
    status.scalingRevision = bounds
    noteVerified(pass, 'autoscaling', revision)
  }
  conditions.true_('AutoscalingReady', 'Registered', '')
  return { kind: 'proceed' }
}
