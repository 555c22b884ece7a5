/** Something that happened to an object, for `kubectl describe`. */
export type EndpointEvent = { type: 'Normal' | 'Warning'; reason: string; note: string }

const normal = (reason: string, note: string): EndpointEvent => ({ type: 'Normal', reason, note })
const warning = (reason: string, note: string): EndpointEvent => ({ type: 'Warning', reason, note })

/** An Event's note has 1,024 characters; the reason goes first. */
const MAX_NOTE = 1000
const MAX_LOG_LINE = 200
const LOG_INTRO = ' Last log lines:\n'

export const endpointCreating = (name: string) => normal('EndpointCreating', `SageMaker is creating endpoint ${name}.`)

export const endpointInService = (name: string) => normal('EndpointInService', `Endpoint ${name} is in service.`)

export const endpointUpdating = (name: string, config: string) =>
  normal('EndpointUpdating', `Endpoint ${name} is being moved to configuration ${config}.`)

const FAILED = {
  Update: (config: string) => `SageMaker went back from configuration ${config}.`,
  SmokeTest: (config: string) =>
    `Configuration ${config} did not pass its smoke test: going back to the last good one.`,
  Recreate: (config: string) =>
    `The endpoint cannot be created with configuration ${config}: going back to the last good one.`,
}

export const updateRolledBack = (config: string, cause: keyof typeof FAILED = 'Update', message = '') =>
  warning('UpdateRolledBack', `${FAILED[cause](config)} ${message}`.trim())

/** With as many of the container's last log lines as an Event has room for; status.lastFailure has all of them. */
export const endpointFailed = (message: string, logTail: string[]) => {
  const lines: string[] = []
  let room = MAX_NOTE - message.length - LOG_INTRO.length
  for (const line of logTail.map((each) => each.slice(0, MAX_LOG_LINE)).reverse()) {
    room -= line.length + 1
    if (room < 0) break
    lines.unshift(line)
  }
  return warning('EndpointFailed', lines.length > 0 ? `${message}${LOG_INTRO}${lines.join('\n')}` : message)
}

export const fallingBack = (instanceType: string) =>
  warning('FallingBack', `AWS has none of the instance type free. Mooring tries ${instanceType}.`)

export const driftCorrected = (name: string, found: string, wanted: string) =>
  warning(
    'DriftCorrected',
    `Somebody moved endpoint ${name} to configuration ${found}. Mooring moves it back to ${wanted}.`,
  )

export const tagsCorrected = (keys: string[]) =>
  warning('DriftCorrected', `Tags were not as declared: ${keys.join(', ')}. Mooring set them again.`)

export const adopted = (name: string) =>
  normal('Adopted', `Took over endpoint ${name}: it has this object's tags now, and its scaling follows this object.`)

export const endpointRecreated = (name: string) =>
  normal(
    'EndpointRecreating',
    `Deleting endpoint ${name} to create it with another revision, as spec.rollout.strategy Recreate says.`,
  )

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

export const bucketUnusable = (reason: string, message: string) => warning(reason, message)

export const topicRestored = (name: string) =>
  warning(
    'TopicRestored',
    `The SNS topic ${name} was gone. Mooring made it again; its subscriptions are to be made again too.`,
  )

export const nameTaken = (message: string) => warning('NameTaken', message)

export const autoscalingRestored = (what: string[]) =>
  warning('AutoscalingRestored', `Not as declared: ${what.join('; ')}. Mooring made that again.`)

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
