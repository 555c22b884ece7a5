import { type ContractTest, type ContractTestStatus, MAX_EARLIER } from '../../../api/contract-test.ts'
import type { Reason } from '../../../api/reasons.ts'
import { cut } from '../../../images/contract/result.ts'
import { KubeError } from '../../../kube/errors.ts'
import { NotOurs } from './cluster.ts'
import { InputsTooLarge } from './desired-job.ts'
import type { TestedImage } from './plan.ts'

export type ContractTestAnswer = {
  /** `off`: no test is declared. */
  state: 'off' | 'pending' | 'passed' | 'failed'
  /** Whether the verdict may hold an endpoint up: spec.contractTest.required. */
  required: boolean
  reason: Reason
  message: string
  /** For status.contractTest; undefined: the block goes. */
  status: ContractTestStatus | undefined
  /** Ask again after so many milliseconds; undefined where nothing will have changed. */
  after?: number
}

/** No test is declared; what is left of one is being taken away as long as there is a status. */
export function off(status?: ContractTestStatus): ContractTestAnswer {
  const rest = { required: false, reason: 'NotRequested', message: '', status } as const
  return status ? { ...rest, state: 'pending', after: 0 } : { ...rest, state: 'off' }
}

export function disabled({ required }: ContractTest, status: ContractTestStatus | undefined): ContractTestAnswer {
  const message =
    'This Mooring runs no contract tests: set the chart value contractTest.enabled, or remove spec.contractTest, or set its required to false.'
  return { state: 'pending', required, reason: 'ContractTestDisabled', message, status }
}

/**
 * A verdict over this digest by this very test, out of what status remembers. A test that is under way for another one goes on: status stays
 * with it.
 */
export function known(
  test: ContractTest,
  status: ContractTestStatus | undefined,
  image: TestedImage,
  revision: string,
): ContractTestAnswer | undefined {
  const verdict = status?.earlier?.find((each) => each.digest === image.digest && each.revision === revision)
  if (!status || !verdict || verdict.state === 'Error') return undefined
  const { state, message, finishedAt, digest } = verdict
  const shown = { image: image.reference, digest, revision, state, message, attempt: 1, finishedAt }
  const answer = verdictOf(test, { ...shown, ...earlierOf(status, digest, revision) })
  return status.jobName ? { ...answer, status } : answer
}

/** The list of earlier verdicts with the present one before it; none over what is tested now. */
export function earlierOf(
  status: ContractTestStatus | undefined,
  digest: string | undefined,
  revision: string,
): Pick<ContractTestStatus, 'earlier'> {
  if (!status) return {}
  const { state, finishedAt } = status
  const present =
    finishedAt && (state === 'Passed' || state === 'Failed' || state === 'Error')
      ? [{ digest: status.digest, revision: status.revision, state, message: status.message, finishedAt }]
      : []
  const list = [...present, ...(status.earlier ?? [])].filter(
    (each) => each.digest !== digest || each.revision !== revision,
  )
  return list.length > 0 ? { earlier: list.slice(0, MAX_EARLIER) } : {}
}

/** Not decided yet. */
export function pending(
  { required }: ContractTest,
  status: ContractTestStatus,
  after: number,
  message: string,
): ContractTestAnswer {
  return {
    state: 'pending',
    required,
    reason: 'ContractTestPending',
    message: `The contract test is under way: ${message}`,
    status,
    after,
  }
}

/** What a decided status means for those who wait for it. */
export function verdictOf({ required }: ContractTest, status: ContractTestStatus, after?: number): ContractTestAnswer {
  const { state, message } = status
  const rest = { required, status, ...(after === undefined ? {} : { after }) }
  if (state === 'Passed') return { ...rest, state: 'passed', reason: 'ContractTestPassed', message }
  if (state === 'Failed')
    return {
      ...rest,
      state: 'failed',
      reason: 'ContractTestFailed',
      message: cut(`The contract test failed. ${message}`),
    }
  const hint = status.retryAfter ? '' : ' Then set the annotation mooring.dev/contract-test to a new value.'
  // Nothing is known of the image: what is required is still awaited.
  return {
    ...rest,
    state: 'pending',
    reason: 'ContractTestNotRun',
    message: `${cut(message, 300 - hint.length)}${hint}`,
  }
}

/** Refusals of the API server that no repetition mends. */
export function refused(error: unknown): { message: string; mendable: boolean } | undefined {
  if (error instanceof InputsTooLarge) return { message: error.message, mendable: false }
  if (error instanceof NotOurs) return { message: error.message, mendable: true }
  if (!(error instanceof KubeError)) return undefined
  if (error.code === 403)
    return {
      message: cut(`The API server refuses the test: ${error.message} Set the chart value contractTest.enabled.`),
      mendable: true,
    }
  if (error.code === 422 || error.code === 400)
    return { message: cut(`The API server refuses the Job: ${error.message}`), mendable: false }
  return undefined
}
