import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { ApiError, type Call, type JsonObject, type Service } from '../../service.ts'
import { type Schedule, scheduleOf } from './schedule.ts'
import type { Target } from './types.ts'
import { DIMENSION, paged, requireSagemaker } from './views.ts'

export type ScheduledActionsOptions = {
  clock: Clock
  region: string
  accountId: string
  /** @throws ApiError ObjectNotFoundException where the call names no scalable target */
  targetOf(call: Call): Target
  /** An action's time has come. */
  onDue(target: Target, name: string, capacity: CapacityChange): void
}

export type CapacityChange = { MinCapacity?: number; MaxCapacity?: number }

export type ScheduledActions = {
  operations: Service['operations']
  dropAll(target: Target): void
  state(): JsonObject[]
  stop(): void
}

type ScheduledAction = {
  arn: string
  name: string
  target: Target
  expression: string
  timezone: string | undefined
  start: Date | undefined
  end: Date | undefined
  capacity: CapacityChange
  created: Date
  schedule: Schedule
  /** Undefined once it will not run any more. */
  due: number | undefined
}

type PutInput = {
  ScheduledActionName?: string
  Schedule?: string
  Timezone?: string
  StartTime?: Date
  EndTime?: Date
  ScalableTargetAction?: CapacityChange
}

/** Application Auto Scaling's quota for one target. */
const MAX_ACTIONS = 200
/** Node's timers end at 2^31 milliseconds; a sleep this long is as good as any. */
const LONGEST_SLEEP_MS = 3_600_000
const NAME = /^(?! )[^\p{Cc}:/|]{1,256}(?<! )$/u

/** Scheduled actions: kept by target and name, run on the cloud's clock in the order in which they fall due. */
export function scheduledActions(options: ScheduledActionsOptions): ScheduledActions {
  const { clock, region, accountId, targetOf, onDue } = options
  const actions = new Map<string, ScheduledAction>()
  let sleeping = new AbortController()

  const key = (target: Target, name: string) => `${target.resourceId}\n${name}`

  /** Sleeps until the next action falls due; called whenever that may have changed. */
  const arm = () => {
    sleeping.abort()
    sleeping = new AbortController()
    const next = Math.min(...[...actions.values()].map(({ due }) => due ?? Number.POSITIVE_INFINITY))
    if (next === Number.POSITIVE_INFINITY) return
    const wait = Math.min(LONGEST_SLEEP_MS, Math.max(0, next - clock.now()))
    clock.sleep(wait, sleeping.signal).then(runDue, () => {})
  }
  const runDue = () => {
    const now = clock.now()
    const due = [...actions.values()].filter((action) => action.due !== undefined && action.due <= now)
    for (const action of due.sort((a, b) => (a.due ?? 0) - (b.due ?? 0))) {
      // Runs that were missed, as while a laptop slept, are one.
      action.due = action.schedule.next(now)
      onDue(action.target, action.name, action.capacity)
    }
    arm()
  }

  return {
    operations: {
      PutScheduledAction(call) {
        requireSagemaker(call)
        const target = targetOf(call)
        const input = call.input as PutInput
        const name = input.ScheduledActionName ?? ''
        if (!NAME.test(name)) throw invalid(`Invalid scheduled action name: ${name}`)
        const known = actions.get(key(target, name))
        const ofTarget = [...actions.values()].filter((action) => action.target === target)
        if (!known && ofTarget.length >= MAX_ACTIONS)
          throw new ApiError('LimitExceededException', `A scalable target can have ${MAX_ACTIONS} scheduled actions`)
        const action = checked(input, known, clock.now())
        actions.set(key(target, name), {
          arn:
            known?.arn ??
            `arn:aws:autoscaling:${region}:${accountId}:scheduledAction:${randomUUID()}:resource/sagemaker/${target.resourceId}:scheduledActionName/${name}`,
          name,
          target,
          ...action,
        })
        arm()
        return {}
      },
      DescribeScheduledActions(call) {
        requireSagemaker(call)
        const { ResourceId, ScheduledActionNames } = call.input as {
          ResourceId?: string
          ScheduledActionNames?: string[]
        }
        const found = [...actions.values()].filter(
          ({ target, name }) =>
            (!ResourceId || target.resourceId === ResourceId) &&
            (!ScheduledActionNames || ScheduledActionNames.includes(name)),
        )
        return paged(call, found, view, 'ScheduledActions')
      },
      DeleteScheduledAction(call) {
        requireSagemaker(call)
        const { ResourceId, ScheduledActionName } = call.input as { ResourceId: string; ScheduledActionName: string }
        if (!actions.delete(`${ResourceId}\n${ScheduledActionName}`)) {
          throw new ApiError(
            'ObjectNotFoundException',
            `No scheduled action found for service namespace: sagemaker, resource ID: ${ResourceId}, scalable dimension: ${DIMENSION}, scheduled action name: ${ScheduledActionName}`,
          )
        }
        arm()
        return {}
      },
    },
    dropAll(target) {
      for (const [id, action] of actions) if (action.target === target) actions.delete(id)
      arm()
    },
    state: () =>
      [...actions.values()].map(({ name, target, expression, capacity }) => ({
        name,
        resourceId: target.resourceId,
        schedule: expression,
        ...capacity,
      })),
    stop: () => sleeping.abort(),
  }
}

/**
 * What an action becomes: an update keeps what it does not name, but for the start and end times (API reference).
 * @throws ApiError ValidationException
 */
function checked(
  input: PutInput,
  known: ScheduledAction | undefined,
  now: number,
): Omit<ScheduledAction, 'arn' | 'name' | 'target'> {
  const expression = input.Schedule ?? known?.expression
  const capacity = input.ScalableTargetAction ?? known?.capacity
  const timezone = input.Timezone ?? known?.timezone
  const { StartTime: start, EndTime: end } = input
  if (expression === undefined) throw invalid('Schedule must be specified for a new scheduled action')
  const { MinCapacity: min, MaxCapacity: max } = capacity ?? {}
  if (!capacity || (min === undefined && max === undefined))
    throw invalid('ScalableTargetAction must specify MinCapacity, MaxCapacity or both')
  if ((min ?? 0) < 0 || (max ?? 0) < 0) throw invalid('Capacities must not be negative')
  if (min !== undefined && max !== undefined && min > max)
    throw invalid('Maximum capacity cannot be less than minimum capacity')
  if (start && end && start > end) throw invalid('StartTime must be before EndTime')
  const created = known?.created ?? new Date(now)
  try {
    const schedule = scheduleOf({
      expression,
      timezone,
      created: created.getTime(),
      start: start?.getTime(),
      end: end?.getTime(),
    })
    const due = schedule.next(now)
    if (due === undefined) throw new RangeError('it would never run')
    return { expression, timezone, start, end, capacity, created, schedule, due }
  } catch (error) {
    if (error instanceof RangeError) throw invalid(`Invalid schedule ${expression}: ${error.message}`)
    throw error
  }
}

function view(action: ScheduledAction): JsonObject {
  return {
    ScheduledActionName: action.name,
    ScheduledActionARN: action.arn,
    ServiceNamespace: 'sagemaker',
    Schedule: action.expression,
    ...(action.timezone === undefined ? {} : { Timezone: action.timezone }),
    ResourceId: action.target.resourceId,
    ScalableDimension: DIMENSION,
    ...(action.start ? { StartTime: action.start } : {}),
    ...(action.end ? { EndTime: action.end } : {}),
    ScalableTargetAction: action.capacity,
    CreationTime: action.created,
  }
}

function invalid(message: string): ApiError {
  return new ApiError('ValidationException', message)
}
