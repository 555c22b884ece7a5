import type { SmokeTestStatus } from '../../api/smoke-test.ts'
import { contentHash } from './names.ts'

export type Trigger = NonNullable<SmokeTestStatus['trigger']>
export type Verdict = 'Passed' | 'Failed'

/** What the step has to do: send a test, wait for its answer, wait for an instance, or nothing until `dueAt`. */
export type Next =
  | { do: 'send'; trigger: Trigger }
  | { do: 'await' }
  | { do: 'defer' }
  | { do: 'keep'; dueAt: number | undefined }

export type Situation = {
  last: SmokeTestStatus | undefined
  /** Of what is there now: see revisionOf. */
  revision: string
  /** Stands for the annotation's value; undefined without one. */
  annotation: string | undefined
  instances: { current: number; desired: number } | undefined
  /** Whether no instance may run, so that nothing can answer. */
  suspended: boolean
  /** Whether an update may wake the endpoint for its test. */
  wake: boolean
  intervalSeconds: number | undefined
  now: Date
}

/**
 * Pauses after the first, second, … failure in a row of a scheduled test, in ms. The first is soon repeated, since it may only be an
 * answer that was lost. From then on each pause is longer than the 15 quiet minutes after which target tracking scales in, so that a
 * model that fails goes to zero as one that answers does.
 */
const PAUSES_MS = [60_000, 20 * 60_000, 40 * 60_000]

/**
 * Decides whether a test is due. A test is owed to each revision and each new value of the annotation; a schedule repeats it while
 * an instance runs. At zero instances only the annotation, or `wake`, sends one: that wakes the endpoint.
 *
 * A schedule keeps no endpoint awake: it counts from the end of a test and its shortest interval is an hour, so that 15 quiet minutes
 * lie between two tests whatever their answers take; at zero it is skipped.
 */
export function nextTest(situation: Situation): Next {
  const { last, revision, annotation, instances, suspended, wake, intervalSeconds, now } = situation
  const asked = annotation !== undefined && annotation !== last?.annotation
  const asleep = instances !== undefined && instances.current + instances.desired === 0
  if (suspended && (last?.revision !== revision || asked || last.result === 'Pending')) return { do: 'defer' }
  if (last?.revision !== revision) {
    if (asleep && !asked && !wake) return { do: 'defer' }
    return { do: 'send', trigger: isNew(situation) ? 'Created' : 'Updated' }
  }
  if (asked) return { do: 'send', trigger: 'Annotation' }
  if (last.result === 'Pending') return { do: 'await' }
  if (intervalSeconds === undefined) return { do: 'keep', dueAt: undefined }
  const dueAt = Date.parse(last.finishedAt ?? last.startedAt) + pauseAfter(last.failures, intervalSeconds)
  // An instance that is on its way out is not asked: the request would bring it back.
  const awake = instances !== undefined && instances.current > 0 && instances.desired > 0
  if (!awake) return { do: 'keep', dueAt: undefined }
  return now.getTime() >= dueAt ? { do: 'send', trigger: 'Schedule' } : { do: 'keep', dueAt }
}

/** From the end of a test until the next scheduled one, in ms. */
export function pauseAfter(failures: number | undefined, intervalSeconds: number): number {
  return Math.min(PAUSES_MS[(failures ?? 0) - 1] ?? Number.POSITIVE_INFINITY, intervalSeconds * 1000)
}

/** Changes with the endpoint, its configuration and the test: `<endpoint>-<configuration and test>`. */
export function revisionOf(endpointCreatedAt: Date, configName: string, test: object): string {
  // How often it is repeated does not change what is tested.
  const content = { ...test, intervalSeconds: undefined }
  return `${contentHash(endpointCreatedAt.toISOString())}-${contentHash({ config: configName, test: content })}`
}

function isNew({ last, revision }: Situation): boolean {
  return last?.revision.split('-')[0] !== revision.split('-')[0]
}

/** The last verdict, also while a test is pending that is not believed before it has been repeated. */
export function verdictOf(last: SmokeTestStatus | undefined): Verdict | undefined {
  if (last?.result === 'Pending') return last.trigger === 'Schedule' ? last.last?.result : undefined
  return last?.result
}

/**
 * Whether the configuration failed the test that was sent because it is new, or because somebody asked. A scheduled test says that
 * the endpoint has become worse, not that its configuration is: going back to another would not be the answer.
 */
export function failedItsTest(last: SmokeTestStatus | undefined, configName: string): boolean {
  const decided = last?.result === 'Pending' && last.trigger === 'Schedule' ? last.last : last
  return decided?.result === 'Failed' && decided.endpointConfigName === configName && decided.trigger !== 'Schedule'
}
