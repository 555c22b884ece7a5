import { ANNOTATIONS } from '../../api/names.ts'
import { explainError, isTransient } from '../../providers/errors.ts'
import type { Answer } from '../../providers/runtime.ts'
import { smokeTestFailed, smokeTestPassed } from './events.ts'
import { contentHash } from './names.ts'
import { failing, type Halt, type Outcome, type ServingPass, timestamp, waiting } from './pass.ts'

/** Answers come within seconds when an instance runs; looking costs two requests to S3. */
const POLL_MS = 5_000
const MAX_MESSAGE = 1024

/**
 * Sends one real request for each revision of endpoint, configuration and test, and waits for its answer. Once it has passed it is
 * not repeated, so that it keeps no endpoint from scaling to zero.
 */
export async function smokeTestStep(pass: ServingPass): Promise<Outcome> {
  const { spec, status, conditions, now } = pass
  const { smokeTest: test } = spec
  if (!test) {
    delete status.smokeTest
    conditions.true_('SmokeTestPassed', 'NotRequested', 'spec.smokeTest is not set.')
    return { kind: 'proceed' }
  }
  const revision = revisionOf(pass)
  const last = status.smokeTest
  if (last?.revision !== revision) return await send(pass, test, revision)
  if (last.result === 'Failed') return failed(pass, last.message ?? '')
  if (last.result === 'Pending') {
    const answer = await pass.providers.runtime.poll(last, pass.signal)
    const elapsed = now.getTime() - Date.parse(last.startedAt)
    const problem = judge(answer, test, elapsed)
    if (problem !== undefined) return conclude(pass, problem)
    if (answer.state === 'pending') return pending(pass)
    status.smokeTest = { ...last, result: 'Passed', durationMs: Math.max(0, elapsed) }
    pass.emit(smokeTestPassed(elapsed))
    pass.log.info({ durationMs: elapsed }, 'the smoke test passed')
  }
  conditions.true_('SmokeTestPassed', 'Answered', '')
  return { kind: 'proceed' }
}

type Test = NonNullable<ServingPass['spec']['smokeTest']>

async function send(pass: ServingPass, test: Test, revision: string): Promise<Outcome> {
  const { status, desired, now, signal } = pass
  const { input, contentType, accept, customAttributes } = test
  const base = { revision, startedAt: timestamp(now) }
  try {
    const accepted = await pass.providers.runtime.invoke(
      {
        EndpointName: desired.endpointName,
        // The same for a repeat after a crash, so that both can be told to be one.
        InferenceId: `mooring-${revision}`,
        ContentType: contentType,
        ...(input.s3Uri ? { InputLocation: input.s3Uri } : { Body: new TextEncoder().encode(input.inline ?? '') }),
        ...(accept ? { Accept: accept } : {}),
        ...(customAttributes ? { CustomAttributes: customAttributes } : {}),
      },
      signal,
    )
    const { inferenceId, outputLocation, failureLocation } = accepted
    status.smokeTest = {
      ...base,
      result: 'Pending',
      ...(inferenceId ? { inferenceId } : {}),
      ...(outputLocation ? { outputLocation } : {}),
      ...(failureLocation ? { failureLocation } : {}),
    }
    return pending(pass)
  } catch (error) {
    if (isTransient(error)) throw error
    status.smokeTest = { ...base, result: 'Pending' }
    return conclude(pass, `The request was not accepted. ${explainError(error).message}`)
  }
}

/** What is wrong with the answer, if anything. */
function judge(answer: Answer, test: Test, elapsedMs: number): string | undefined {
  if (answer.state === 'failed') return `The endpoint answered with an error: ${answer.message}`
  if (answer.state === 'pending') {
    if (elapsedMs < test.timeoutSeconds * 1000) return undefined
    return `No answer came within ${test.timeoutSeconds} s. If requests are answered otherwise, let the operator read the output path: s3:GetObject and s3:ListBucket.`
  }
  const { minBytes, contentType } = test.expect ?? {}
  if (minBytes !== undefined && answer.bytes < minBytes)
    return `The answer has ${answer.bytes} bytes; spec.smokeTest.expect.minBytes is ${minBytes}.`
  if (contentType && mediaType(answer.contentType) !== mediaType(contentType))
    return `The answer is ${answer.contentType ?? 'of no content type'}; spec.smokeTest.expect.contentType is ${contentType}.`
  return undefined
}

function conclude(pass: ServingPass, problem: string): Halt {
  const { status } = pass
  const message = problem.slice(0, MAX_MESSAGE)
  if (status.smokeTest) status.smokeTest = { ...status.smokeTest, result: 'Failed', message }
  pass.emit(smokeTestFailed(message))
  pass.log.warn({ message }, 'the smoke test failed')
  return failed(pass, message)
}

function failed(pass: ServingPass, message: string): Halt {
  const remedy = `Mend the container and push it, or set the annotation ${ANNOTATIONS.smokeTest} to test again.`
  return failing(pass, 'SmokeTestPassed', 'SmokeTestFailed', `${message} ${remedy}`, pass.intervals.settled)
}

function pending(pass: ServingPass): Halt {
  const message = 'The smoke test was sent; its answer is awaited.'
  return waiting(pass, 'SmokeTestPassed', 'AwaitingAnswer', message, Math.min(POLL_MS, pass.intervals.inFlight))
}

/** Changes with the endpoint, its configuration, the test, and the annotation that asks for another. */
function revisionOf({ object, spec, seen }: ServingPass): string {
  return contentHash({
    endpoint: seen.createdAt.toISOString(),
    config: seen.configName,
    test: spec.smokeTest,
    asked: object.metadata.annotations?.[ANNOTATIONS.smokeTest],
  })
}

function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase()
}
