import type { Outcome, PinnedPass } from './pass.ts'
import { ensureKept, ensureRevision } from './revision.ts'

/** Makes sure of the SageMaker model of this image and environment. */
export async function modelStep(pass: PinnedPass): Promise<Outcome> {
  const { desired, target, status, conditions, signal } = pass
  const { models } = pass.providers
  const name = target.modelName
  const observe = () => models.observe(name, signal)
  if (target.from !== 'spec') return await ensureKept(pass, { condition: 'ModelReady', what: 'model', name, observe })
  const outcome = await ensureRevision(pass, {
    condition: 'ModelReady',
    what: 'model',
    name,
    known: status.modelName === name && conditions.isTrue('ModelReady'),
    create: () => models.create(desired.model, signal),
    observe,
  })
  if (outcome.kind === 'proceed') status.modelName = name
  return outcome
}
