import type { Outcome, PinnedPass } from './pass.ts'
import { ensureKept, ensureRevision } from './revision.ts'

/** Makes sure of the SageMaker model of this image and environment. */
export async function modelStep(pass: PinnedPass): Promise<Outcome> {
  const { desired, target, status, conditions, signal } = pass
  const { models } = pass.providers
  const name = target.modelName
  const observe = () => models.observe(name, signal)
  const outcome =
    target.from === 'spec'
      ? await ensureRevision(pass, {
          condition: 'ModelReady',
          what: 'model',
          name,
          known: status.modelName === name && conditions.isTrue('ModelReady'),
          create: () => models.create(desired.model, signal),
          observe,
        })
      : await ensureKept(pass, { condition: 'ModelReady', what: 'model', name, observe })
  if (outcome.kind === 'proceed') status.modelName = name
  return outcome
}
