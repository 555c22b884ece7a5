import type { AsyncInferenceEndpointStatus } from '../../api/async-inference-endpoint.ts'
import type { CostStatus } from '../../api/cost.ts'
import { account } from './cost-ledger.ts'
import { budgetExceeded, budgetNearlyUsed } from './events.ts'
import type { Pass } from './pass.ts'

/** The share of the budget at which it is said that it is nearly used. */
const NEARLY = 0.8
const REMEDY =
  'Raise spec.budget.monthlyUsd, or wait for the next month. Until then scaling out is held, waking from zero included; what runs goes on running.'

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

/** Whether the budget is used up, so that nothing may be started. */
export function overBudget({ conditions }: AsyncInferenceEndpointStatus): boolean {
  return conditions?.some(({ type, status }) => type === 'WithinBudget' && status === 'False') ?? false
}

/** Sets the condition, and answers whether `cost` is worth a write for it. */
function holdAgainstBudget(pass: Pass, cost: CostStatus, spent = 0): boolean {
  const { spec, conditions, status, log } = pass
  const monthlyUsd = spec.budget?.monthlyUsd
  if (monthlyUsd === undefined) {
    conditions.clear('WithinBudget')
    return false
  }
  if (spent >= monthlyUsd) {
    const before = overBudget(status)
    conditions.false_('WithinBudget', 'BudgetExceeded', REMEDY)
    if (before) return false
    cost.warnedAt = monthlyUsd
    pass.emit(budgetExceeded(monthlyUsd, cost.month))
    log.warn({ monthlyUsd, month: cost.month }, 'the budget is used up: scaling out is held')
    return true
  }
  if (cost.hourlyPrice) conditions.true_('WithinBudget', 'WithinBudget', '')
  else conditions.unknown('WithinBudget', 'PriceUnknown', cost.message ?? '')
  if (spent < NEARLY * monthlyUsd || cost.warnedAt === monthlyUsd) return false
  cost.warnedAt = monthlyUsd
  pass.emit(budgetNearlyUsed(spent, monthlyUsd, cost.month))
  return true
}
