/** Something that happened to an object, for `kubectl describe`. */
export type EndpointEvent = { type: 'Normal' | 'Warning'; reason: string; note: string }

const normal = (reason: string, note: string): EndpointEvent => ({ type: 'Normal', reason, note })
const warning = (reason: string, note: string): EndpointEvent => ({ type: 'Warning', reason, note })

/** An Event's note has 1,024 characters; the reason goes first. */
const LOG_LINES = 5
const MAX_LOG_LINE = 120

export const endpointCreating = (name: string) => normal('EndpointCreating', `SageMaker is creating endpoint ${name}.`)

export const endpointInService = (name: string) => normal('EndpointInService', `Endpoint ${name} is in service.`)

export const endpointUpdating = (name: string, config: string) =>
  normal('EndpointUpdating', `Endpoint ${name} is being moved to configuration ${config}.`)

export const updateRolledBack = (config: string, message: string) =>
  warning('UpdateRolledBack', `SageMaker went back from configuration ${config}. ${message}`)

export const endpointFailed = (message: string, logTail: string[]) => {
  const lines = logTail.slice(-LOG_LINES).map((line) => line.slice(0, MAX_LOG_LINE))
  return warning('EndpointFailed', lines.length > 0 ? `${message} Last log lines:\n${lines.join('\n')}` : message)
}

export const endpointRecreating = (name: string, attempt: number, maxAttempts: number) =>
  normal(
    'EndpointRecreating',
    `Deleting the failed endpoint ${name} to create it again: attempt ${attempt} of ${maxAttempts}.`,
  )

export const endpointReplaced = (name: string) =>
  normal('EndpointRecreating', `Deleting the failed endpoint ${name} to create it again, since something changed.`)

export const recoveryExhausted = (message: string) => warning('RecoveryExhausted', message)

export const endpointMissing = (name: string) =>
  warning('EndpointMissing', `Endpoint ${name} is gone, deleted by somebody else. Mooring creates it again.`)

export const nameTaken = (message: string) => warning('NameTaken', message)

export const autoscalingRestored = () =>
  warning('AutoscalingRestored', 'Scalable target, policies or alarm were not as declared. Mooring made them again.')

export const smokeTestPassed = (durationMs: number) =>
  normal('SmokeTestPassed', `The endpoint answered its smoke test after ${Math.round(durationMs / 1000)} s.`)

export const smokeTestFailed = (message: string) => warning('SmokeTestFailed', message)

export const budgetNearlyUsed = (spent: number, monthlyUsd: number, month: string) =>
  warning(
    'BudgetNearlyUsed',
    `${spent.toFixed(2)} of ${monthlyUsd} USD are used in ${month}. At ${monthlyUsd} USD scaling out is held.`,
  )

export const budgetExceeded = (monthlyUsd: number, month: string) =>
  warning(
    'BudgetExceeded',
    `The ${monthlyUsd} USD for ${month} are used: scaling out, waking from zero included, is held until the next month or a higher budget. What runs goes on running.`,
  )

export const cleanedUp = () => normal('CleanedUp', 'Everything that was made in AWS for this object is gone.')

export const retained = () =>
  normal('Retained', 'deletionPolicy is Retain: what was made in AWS stays there, without its owner tags.')
