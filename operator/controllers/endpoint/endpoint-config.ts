import type { Outcome, PinnedPass } from './pass.ts'
import { ensureKept, ensureRevision } from './revision.ts'

/** Makes sure of the endpoint configuration of this model, instance and output. */
export async function endpointConfigStep(pass: PinnedPass): Promise<Outcome> {
  const { desired, target, status, conditions, signal } = pass
  const { configs } = pass.providers
  const name = target.configName
  const what = 'endpoint configuration'
  const observe = () => configs.observe(name, signal)
  const outcome =
    target.from === 'spec'
      ? await ensureRevision(pass, {
          condition: 'ConfigReady',
          what,
          name,
          known: status.endpointConfigName === name && conditions.isTrue('ConfigReady'),
          create: () => configs.create(desired.config, signal),
          observe,
        })
      : await ensureKept(pass, { condition: 'ConfigReady', what, name, observe })
  if (outcome.kind === 'proceed') status.endpointConfigName = name
  return outcome
}
