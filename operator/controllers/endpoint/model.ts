import type { Outcome, PinnedPass } from './pass.ts'
import { ensureRevision } from './revision.ts'

/** Makes sure of the SageMaker model of this image and environment. */
export async function modelStep(pass: PinnedPass): Promise<Outcome> {
  const { desired, status, conditions, signal } = pass
  const { models } = pass.providers
  const name = desired.model.ModelName
  const outcome = await ensureRevision(pass, {
    condition: 'ModelReady',
    what: 'model',
    name,
    known: status.modelName === name && conditions.isTrue('ModelReady'),
    create: () => models.create(desired.model, signal),
    observe: () => models.observe(name, signal),
  })
  if (outcome.kind === 'proceed') status.modelName = name
  return outcome
}
