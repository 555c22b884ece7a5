import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import type { AnswerObject, AsyncRuntime } from '../../providers/runtime.ts'
import { checkJson } from './json-checks.ts'

export type SmokeTest = NonNullable<AsyncInferenceEndpointSpec['smokeTest']>
/** What came back: 'answered' with the output object, or 'failed' with the failure object. */
export type Arrived = { state: 'answered' | 'failed' } & AnswerObject

/** Answers in JSON are read whole, into memory, to be checked. */
const MAX_JSON_BYTES = 1_048_576
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
  const problems: string[] = []
  const { contentType, minBytes, maxBytes, maxLatencySeconds, jsonPath } = expect
  if (contentType && mediaType(answer.contentType) !== mediaType(contentType))
    problems.push(
      `The answer is ${answer.contentType ?? 'of no content type'}; spec.smokeTest.expect.contentType is ${contentType}.`,
    )
  if (minBytes !== undefined && answer.bytes < minBytes)
    problems.push(`The answer has ${answer.bytes} bytes; spec.smokeTest.expect.minBytes is ${minBytes}.`)
  if (maxBytes !== undefined && answer.bytes > maxBytes)
    problems.push(`The answer has ${answer.bytes} bytes; spec.smokeTest.expect.maxBytes is ${maxBytes}.`)
  if (maxLatencySeconds !== undefined && latencyMs > maxLatencySeconds * 1000)
    problems.push(
      `The answer took ${Math.ceil(latencyMs / 1000)} s; spec.smokeTest.expect.maxLatencySeconds is ${maxLatencySeconds}.`,
    )
  if (jsonPath && jsonPath.length > 0) {
    if (answer.bytes > MAX_JSON_BYTES)
      problems.push(
        `The answer has ${answer.bytes} bytes; spec.smokeTest.expect.jsonPath reads up to ${MAX_JSON_BYTES}.`,
      )
    else problems.push(...(await checkJson(await runtime.read(answer, MAX_JSON_BYTES, signal), jsonPath)))
  }
  return problems.length > 0 ? problems.join(' ') : undefined
}

function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase()
}
