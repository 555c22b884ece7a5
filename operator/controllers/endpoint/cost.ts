import { holdAgainstBudget } from './budget.ts'
import { account } from './cost-ledger.ts'
import type { Pass } from './pass.ts'

/**
 * Counts what the instances cost, and holds it against the budget. Called before the other steps, so that they know whether the budget
 * allows to scale out, and after them, since they saw how many instances there are now. Money runs whatever state the endpoint is in.
 * Changes nothing in AWS and fails for no reason: a missing price is a message in status.
 */
export async function costStep(pass: Pass): Promise<void> {
  const { object, spec, status, now, prices } = pass
  // What serves may be another type than the first that the spec names.
  const instanceType = status.instanceType ?? spec.instance.type
  const { cost, spent, due } = account(status.cost, {
    instances: status.instances?.billed ?? status.instances?.current ?? 0,
    instanceType,
    price: await prices.of(spec.region, instanceType),
    alwaysOn: Math.max(1, spec.scaling.minInstances),
    since: new Date(object.metadata.creationTimestamp ?? now),
    now,
  })
  const news = holdAgainstBudget(pass, cost, spent)
  if (due || news) status.cost = cost
}
