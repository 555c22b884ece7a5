import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import { judgeBody } from '../../images/answer/judge-body.ts'
import type { AnswerObject, AsyncRuntime } from '../../providers/runtime.ts'

export type SmokeTest = NonNullable<AsyncInferenceEndpointSpec['smokeTest']>
/** What came back: 'answered' with the output object, or 'failed' with the failure object. */
export type Arrived = { state: 'answered' | 'failed' } & AnswerObject

/** Of what the container said when it refused. */
const MAX_ERROR_BYTES = 500

/**
 * What is wrong with the answer, in sentences that say what was expected and what was found; undefined when it is as expected.
 * @param latencyMs see spec.smokeTest.expect.maxLatencySeconds
 */
export async function judge(
  { expect }: SmokeTest,
  answer: Arrived,
  latencyMs: number,
  runtime: Pick<AsyncRuntime, 'read'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const wanted = expect?.status ?? 'Succeeded'
  if (answer.state === 'failed' && wanted === 'Succeeded')
    return `The endpoint answered with an error: ${await runtime.read(answer, MAX_ERROR_BYTES, signal)}`
  if (answer.state === 'answered' && wanted === 'Failed')
    return 'The endpoint answered the request; spec.smokeTest.expect.status is Failed.'
  if (!expect) return undefined
  const { maxLatencySeconds } = expect
  const body = { ...answer, text: (maxBytes: number) => runtime.read(answer, maxBytes, signal) }
  const problems = await judgeBody(expect, body, 'spec.smokeTest.expect')
  if (maxLatencySeconds !== undefined && latencyMs > maxLatencySeconds * 1000)
    problems.push(
      `The answer took ${Math.ceil(latencyMs / 1000)} s; spec.smokeTest.expect.maxLatencySeconds is ${maxLatencySeconds}.`,
    )
  return problems.length > 0 ? problems.join(' ') : undefined
}
