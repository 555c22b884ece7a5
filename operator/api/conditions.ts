import type { Reason } from './reasons.ts'
import { timestamp } from './timestamp.ts'

export type ConditionStatus = 'True' | 'False' | 'Unknown'

/** One aspect of an object's state, in the Kubernetes form. */
export type Condition = {
  type: string
  status: ConditionStatus
  /** A CamelCase constant for programs. */
  reason: string
  /** A sentence for people, with the remedy; no timestamps or request ids, which would make every pass a change. */
  message: string
  /** When `status` last flipped, RFC 3339. */
  lastTransitionTime: string
  /** The metadata.generation that this speaks about. */
  observedGeneration: number
}

/** Longer messages are cut: a container's whole log does not belong in a condition. */
export const MESSAGE_LIMIT = 300

/** The reason of a condition that no step has decided yet for the object's current generation. */
export const AWAITING: Reason = 'AwaitingReconciliation'

export type ConditionSetDefinition<Ready extends string, Dependent extends string, Other extends string> = {
  /** The computed one. */
  ready: Ready
  /** Those that `ready` follows from, in the order in which the steps run. */
  dependents: readonly Dependent[]
  /** Those that stand beside, absent until set. */
  others?: readonly Other[]
}

/** The conditions of one object during one pass. Every setter answers whether it changed anything. */
export type Conditions<Dependent extends string = string, Other extends string = string> = {
  set(type: Dependent | Other, status: ConditionStatus, reason: Reason, message: string): boolean
  true_(type: Dependent | Other, reason: Reason, message?: string): boolean
  false_(type: Dependent | Other, reason: Reason, message: string): boolean
  unknown(type: Dependent | Other, reason: Reason, message: string): boolean
  /** Takes away a condition that stands beside. */
  clear(type: Other): boolean
  get(type: string): Condition | undefined
  isTrue(type: string): boolean
  /** The computed condition. */
  ready(): Condition
}

export type ConditionSet<Ready extends string, Dependent extends string, Other extends string> = Required<
  ConditionSetDefinition<Ready, Dependent, Other>
> & {
  /**
   * Opens the conditions in `status` for one pass; changes are written into `status.conditions` at once.
   * @param generation metadata.generation of the object
   * @param now the pass's time: the transition time of what flips
   */
  for(status: { conditions?: Condition[] | undefined }, generation: number, now: Date): Conditions<Dependent, Other>
}

/**
 * Declares an object's conditions: one that is computed and those that it depends on (after operatorpkg's
 * status.ConditionSet). The computed one is True when every dependent is True for the object's current generation, False when
 * one is False, else Unknown; it takes the reason and message of the first dependent, in order, that holds it back.
 */
export function conditionSet<
  const Ready extends string,
  const Dependent extends string,
  const Other extends string = never,
>(definition: ConditionSetDefinition<Ready, Dependent, Other>): ConditionSet<Ready, Dependent, Other> {
  const { ready, dependents, others = [] } = definition
  const order: string[] = [...dependents, ...others, ready]

  return {
    ready,
    dependents,
    others,
    for(status, generation, now) {
      const before = new Map((status.conditions ?? []).map((condition) => [condition.type, condition]))
      const current = new Map(before)

      const put = (condition: Omit<Condition, 'lastTransitionTime'>): boolean => {
        // Against the state before the pass: what goes back and forth within one pass has not flipped for anyone watching.
        const earlier = before.get(condition.type)
        const next: Condition = {
          ...condition,
          message: truncated(condition.message),
          lastTransitionTime: earlier?.status === condition.status ? earlier.lastTransitionTime : timestamp(now),
        }
        const present = current.get(condition.type)
        if (present && same(present, next)) return false
        current.set(condition.type, next)
        return true
      }

      const computeReady = (): boolean => {
        const causes = dependents.flatMap((type) => heldBack(type, current.get(type), generation) ?? [])
        const cause = causes.find(({ status }) => status === 'False') ?? causes[0] ?? READY
        return put({ type: ready, observedGeneration: generation, ...cause })
      }

      const write = (): void => {
        status.conditions = [...current.values()].sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type))
      }

      const set = (type: Dependent | Other, state: ConditionStatus, reason: Reason, message: string): boolean => {
        if (!put({ type, status: state, reason, message, observedGeneration: generation })) return false
        computeReady()
        write()
        return true
      }

      const missing = dependents.filter((type) => !current.has(type))
      for (const type of missing)
        put({ type, status: 'Unknown', reason: AWAITING, message: UNDECIDED, observedGeneration: generation })
      if (computeReady() || missing.length > 0) write()

      return {
        set,
        true_: (type, reason, message = '') => set(type, 'True', reason, message),
        false_: (type, reason, message) => set(type, 'False', reason, message),
        unknown: (type, reason, message) => set(type, 'Unknown', reason, message),
        clear(type) {
          if (!current.delete(type)) return false
          write()
          return true
        },
        get: (type) => current.get(type),
        isTrue: (type) => current.get(type)?.status === 'True',
        ready: () => current.get(ready) as Condition,
      }
    },
  }
}

const UNDECIDED = 'No step has decided this yet.'
const READY = { status: 'True', reason: 'Ready', message: 'Everything that was asked for is in place.' } as const

type Cause = Pick<Condition, 'status' | 'reason' | 'message'>

/** Why a dependent keeps the computed condition from being True, if it does. */
function heldBack(type: string, condition: Condition | undefined, generation: number): Cause | undefined {
  if (!condition) return { status: 'Unknown', reason: AWAITING, message: `${type}: ${UNDECIDED}` }
  const { status, reason, message, observedGeneration } = condition
  if (status !== 'True') return { status, reason, message: `${type}: ${message}` }
  // Otherwise a waiter would take the old spec's readiness for the new one's.
  if (observedGeneration < generation)
    return { status: 'Unknown', reason: AWAITING, message: `${type}: The spec changed and has not been looked at yet.` }
  return undefined
}

function same(a: Condition, b: Condition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration &&
    a.lastTransitionTime === b.lastTransitionTime
  )
}

function truncated(message: string): string {
  if (message.length <= MESSAGE_LIMIT) return message
  // A cut inside a surrogate pair would not be valid UTF-8 on the wire.
  return `${message.slice(0, MESSAGE_LIMIT - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/**
 * Resolved: there is an image behind the reference. Verified: it, or with spec.update Manual the one in use, passed its checks.
 * UpdateAvailable: whether one waits to be approved.
 */
export const modelImageConditions = conditionSet({
  ready: 'Ready',
  dependents: ['Resolved', 'Verified'],
  others: ['UpdateAvailable'],
})

/** The dependents are in the order of the controller's steps. */
export const asyncInferenceEndpointConditions = conditionSet({
  ready: 'Ready',
  dependents: ['ImageReady', 'ModelReady', 'ConfigReady', 'EndpointInService', 'AutoscalingReady', 'SmokeTestPassed'],
  others: ['Progressing', 'Degraded', 'WithinBudget'],
})
