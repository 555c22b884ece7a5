import { ANNOTATIONS } from '../../api/names.ts'
import type { SmokeTestStatus } from '../../api/smoke-test.ts'
import { timestamp } from '../../api/timestamp.ts'
import { explainError, isTransient } from '../../providers/errors.ts'
import { overBudget } from './budget.ts'
import { smokeTestFailed, smokeTestPassed } from './events.ts'
import { contentHash } from './names.ts'
import { failing, type Outcome, type ServingPass, waiting } from './pass.ts'
import { nextTest, pauseAfter, revisionOf, type Trigger, verdictOf } from './smoke-test-due.ts'
import { requestBody } from './smoke-test-input.ts'
import { type Arrived, judge, type SmokeTest } from './smoke-test-judge.ts'

/** Answers come within seconds when an instance runs; looking costs two requests to S3. */
const POLL_MS = 5_000
/** An input that is missing may be applied any moment. */
const INPUT_MS = 60_000
const MAX_MESSAGE = 1024

const DEFERRED = `Set the annotation ${ANNOTATIONS.smokeTest} to wake the endpoint and test it now. It has no instance; the test waits until requests wake it.`
const REMEDY = `Mend the container or the test, or set the annotation ${ANNOTATIONS.smokeTest} to test again.`
const SUSPENDED =
  'spec.scaling.maxInstances is 0, so that no instance can answer: the test follows when the endpoint may run again.'

/** Sends one real request when a test is due (see nextTest), waits for its answer, and holds it against what is expected. */
export async function smokeTestStep(pass: ServingPass): Promise<Outcome> {
  const { object, spec, status, conditions, seen, now } = pass
  const { smokeTest: test } = spec
  if (!test) {
    delete status.smokeTest
    conditions.true_('SmokeTestPassed', 'NotRequested', 'spec.smokeTest is not set.')
    return { kind: 'proceed' }
  }
  const revision = revisionOf(seen.createdAt, seen.configName, test)
  const asked = object.metadata.annotations?.[ANNOTATIONS.smokeTest]
  const annotation = asked === undefined ? status.smokeTest?.annotation : contentHash(asked)
  const suspended = spec.scaling.maxInstances === 0
  const next = nextTest({
    last: status.smokeTest,
    revision,
    annotation,
    instances: seen.instances,
    suspended,
    wake: spec.rollout.wakeForSmokeTest,
    intervalSeconds: test.intervalSeconds,
    now,
  })
  switch (next.do) {
    case 'send':
      return await send(pass, test, next.trigger, { revision, ...(annotation ? { annotation } : {}) })
    case 'defer':
      return deferred(pass, suspended)
    case 'await':
      return await look(pass, test)
    default:
      return standing(pass, next.dueAt === undefined ? undefined : next.dueAt - now.getTime())
  }
}

/** The test is owed, and waits until something can answer it. */
function deferred({ status, conditions, intervals }: ServingPass, suspended: boolean): Outcome {
  // One that was under way when the endpoint was suspended is sent again: its time limit would run out over nothing.
  if (status.smokeTest?.result === 'Pending') delete status.smokeTest
  const reason = 'DeferredUntilAwake'
  const message = suspended ? SUSPENDED : DEFERRED
  conditions.unknown('SmokeTestPassed', reason, message)
  return { kind: 'halt', after: intervals.settled, failing: false, reason, message }
}

type Identity = Pick<SmokeTestStatus, 'revision' | 'annotation'>

async function send(pass: ServingPass, test: SmokeTest, trigger: Trigger, identity: Identity): Promise<Outcome> {
  const { status, desired, seen, now, signal, configMap, intervals, providers } = pass
  const { contentType, accept, customAttributes } = test
  const body = await requestBody(test.input, configMap)
  if ('missing' in body) {
    const after = Math.min(INPUT_MS, intervals.settled)
    return failing(pass, 'SmokeTestPassed', 'SmokeTestInputMissing', body.missing, after)
  }
  const before = status.smokeTest
  const pending: SmokeTestStatus = {
    ...identity,
    result: 'Pending',
    trigger,
    endpointConfigName: seen.configName,
    startedAt: timestamp(now),
    fromZero: (seen.instances?.current ?? 0) === 0,
    ...(trigger === 'Schedule' && before?.failures ? { failures: before.failures } : {}),
    ...lastOf(before),
  }
  try {
    const { inferenceId, outputLocation, failureLocation } = await providers.runtime.invoke(
      {
        EndpointName: desired.endpointName,
        // The same for a repeat after a crash, so that both can be told to be one.
        InferenceId: `mooring-${contentHash({ ...identity, after: before?.finishedAt })}`,
        ContentType: contentType,
        ...body,
        ...(accept ? { Accept: accept } : {}),
        ...(customAttributes ? { CustomAttributes: customAttributes } : {}),
      },
      signal,
    )
    status.smokeTest = {
      ...pending,
      ...(inferenceId ? { inferenceId } : {}),
      ...(outputLocation ? { outputLocation } : {}),
      ...(failureLocation ? { failureLocation } : {}),
    }
    return awaiting(pass)
  } catch (error) {
    if (isTransient(error)) throw error
    status.smokeTest = pending
    return conclude(pass, `The request was not accepted. ${explainError(error).message}`, {})
  }
}

/** What is kept of the test before, while another one is pending. */
function lastOf(before: SmokeTestStatus | undefined): Pick<SmokeTestStatus, 'last'> {
  if (!before) return {}
  if (before.result === 'Pending') return before.last ? { last: before.last } : {}
  const { result, trigger, endpointConfigName, message, startedAt, finishedAt, durationMs, latencyMs, bytes } = before
  const last = { result, trigger, endpointConfigName, message, startedAt, finishedAt, durationMs, latencyMs, bytes }
  return { last }
}

async function look(pass: ServingPass, test: SmokeTest): Promise<Outcome> {
  const { status, seen, now, providers, signal } = pass
  const sent = status.smokeTest as SmokeTestStatus
  const instanceSeen = sent.fromZero && !sent.instanceSeenAt && (seen.instances?.current ?? 0) > 0
  if (instanceSeen) status.smokeTest = { ...sent, instanceSeenAt: timestamp(now) }
  const answer = await providers.runtime.poll(sent, signal)
  if (answer.state === 'pending') {
    if (now.getTime() - Date.parse(sent.startedAt) < test.timeoutSeconds * 1000) return awaiting(pass)
    return conclude(pass, `No answer came within ${test.timeoutSeconds} s. ${whyNone(pass)}`, {})
  }
  const measured = times(status.smokeTest as SmokeTestStatus, answer, now)
  const problem = await judge(test, answer, measured.latencyMs, providers.runtime, signal)
  return conclude(pass, problem, { ...measured, bytes: answer.bytes })
}

/** What most likely keeps the answer. */
function whyNone({ seen, spec, status }: ServingPass): string {
  if ((seen.instances?.current ?? 0) > 0)
    return 'If other requests are answered, let the operator read the output path: s3:GetObject and s3:ListBucket.'
  if (overBudget(status))
    return 'No instance runs, and the budget holds back starting one: see the condition WithinBudget.'
  if (spec.scaling.maxInstances === 0) return 'No instance may run: raise spec.scaling.maxInstances.'
  return 'No instance runs: see what keeps scaling from starting one with DescribeScalingActivities.'
}

/**
 * How long the answer took. S3 says when it was given it, to the second; the time of this look bounds it, should the clocks differ.
 * Where no instance ran, the latency counts from when one was first seen, which is up to one look late: in the model's favour.
 */
function times(sent: SmokeTestStatus, { writtenAt }: Arrived, now: Date): { durationMs: number; latencyMs: number } {
  const started = Date.parse(sent.startedAt)
  const written = writtenAt?.getTime() ?? Number.NaN
  const answered = written >= started && written <= now.getTime() ? written : now.getTime()
  const from = sent.fromZero ? Date.parse(sent.instanceSeenAt ?? timestamp(now)) : started
  return { durationMs: Math.max(0, answered - started), latencyMs: Math.max(0, answered - from) }
}

type Measured = Pick<SmokeTestStatus, 'durationMs' | 'latencyMs' | 'bytes'>

/** Writes the result down. The first failure of a scheduled test leaves the verdict as it was: an answer may have been lost. */
function conclude(pass: ServingPass, problem: string | undefined, measured: Measured): Outcome {
  const { status, spec, log } = pass
  const { last, failures: earlier = 0, ...sent } = status.smokeTest as SmokeTestStatus
  const scheduled = sent.trigger === 'Schedule'
  const finished = { ...sent, ...measured, finishedAt: timestamp(pass.now) }
  if (problem === undefined) {
    status.smokeTest = { ...finished, result: 'Passed' }
    if (!scheduled || last?.result === 'Failed') pass.emit(smokeTestPassed(measured.durationMs ?? 0))
    log.info({ ...measured, trigger: sent.trigger }, 'the smoke test passed')
    return standing(pass)
  }
  const message = problem.slice(0, MAX_MESSAGE)
  const failures = scheduled ? earlier + 1 : 0
  const believed = !scheduled || failures > 1 || last?.result !== 'Passed'
  status.smokeTest = {
    ...finished,
    message,
    result: believed ? 'Failed' : 'Passed',
    ...(scheduled ? { failures } : {}),
  }
  if (believed) pass.emit(smokeTestFailed(message))
  log.warn({ message, trigger: sent.trigger, failures }, 'the smoke test failed')
  const { intervalSeconds } = spec.smokeTest ?? {}
  return standing(pass, intervalSeconds && pauseAfter(failures, intervalSeconds))
}

/** A test was sent. A scheduled one leaves the condition as the last verdict made it. */
function awaiting(pass: ServingPass): Outcome {
  const after = Math.min(POLL_MS, pass.intervals.inFlight)
  if (verdictOf(pass.status.smokeTest) !== undefined) return standing(pass, after)
  const message = 'The smoke test was sent; its answer is awaited.'
  return waiting(pass, 'SmokeTestPassed', 'AwaitingAnswer', message, after)
}

/** The condition as the last verdict has it. */
function standing(pass: ServingPass, after = Number.POSITIVE_INFINITY): Outcome {
  const { status, conditions, intervals } = pass
  const wait = Math.min(intervals.settled, Math.max(0, after))
  if (verdictOf(status.smokeTest) === 'Passed') {
    conditions.true_('SmokeTestPassed', 'Answered', '')
    return { kind: 'proceed', after: wait }
  }
  const message = (status.smokeTest?.result === 'Pending' ? status.smokeTest.last : status.smokeTest)?.message ?? ''
  return failing(pass, 'SmokeTestPassed', 'SmokeTestFailed', `${REMEDY} ${message}`, wait)
}
