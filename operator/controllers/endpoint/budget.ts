import type { AsyncInferenceEndpointStatus } from '../../api/async-inference-endpoint.ts'
import type { CostStatus } from '../../api/cost.ts'
import { budgetExceeded, budgetNearlyUsed } from './events.ts'
import type { Pass } from './pass.ts'

/** The share of the budget at which it is said that it is nearly used. */
const NEARLY = 0.8
const REMEDY =
  'Raise spec.budget.monthlyUsd, or wait for the next month. Until then scaling out is held, waking from zero included; what runs goes on running.'

/** Whether the budget is used up, so that nothing may be started. */
export function overBudget(status: AsyncInferenceEndpointStatus | undefined): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === 'WithinBudget' && condition.status === 'False') ?? false
  )
}

/** Sets the condition WithinBudget, says once a month each that the budget is nearly and wholly used, and answers whether `cost` is worth a write for it. */
export function holdAgainstBudget(pass: Pass, cost: CostStatus, spent = 0): boolean {
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
