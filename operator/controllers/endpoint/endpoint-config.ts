import type { Outcome, PinnedPass } from './pass.ts'
import { ensureRevision } from './revision.ts'

/** Makes sure of the endpoint configuration of this model, instance and output. */
export async function endpointConfigStep(pass: PinnedPass): Promise<Outcome> {
  const { desired, status, conditions, signal } = pass
  const { configs } = pass.providers
  const name = desired.config.EndpointConfigName
  const outcome = await ensureRevision(pass, {
    condition: 'ConfigReady',
    what: 'endpoint configuration',
    name,
    known: status.endpointConfigName === name && conditions.isTrue('ConfigReady'),
    create: () => configs.create(desired.config, signal),
    observe: () => configs.observe(name, signal),
  })
  if (outcome.kind === 'proceed') status.endpointConfigName = name
  return outcome
}
