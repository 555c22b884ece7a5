import { checkJson, type JsonCheck } from './json-checks.ts'

/** What a smoke test and a contract test ask of a body alike; as in spec.smokeTest.expect. */
export type BodyExpectation = {
  contentType?: string | undefined
  minBytes?: number | undefined
  maxBytes?: number | undefined
  jsonPath?: readonly JsonCheck[] | undefined
}

export type Body = {
  contentType?: string | undefined
  bytes: number
  /** Its first bytes as text, at most so many. */
  text(maxBytes: number): Promise<string>
}

/** Answers in JSON are read whole, into memory, to be checked. */
export const MAX_JSON_BYTES = 1_048_576

/**
 * What is wrong with a body, in sentences that say what was expected and what was found; none when it is as expected.
 * @param at where the expectation stands, for the sentences: spec.smokeTest.expect
 */
export async function judgeBody(expect: BodyExpectation, body: Body, at: string): Promise<string[]> {
  const { contentType, minBytes, maxBytes, jsonPath } = expect
  const problems: string[] = []
  if (contentType && mediaType(body.contentType) !== mediaType(contentType))
    problems.push(`The answer is ${body.contentType ?? 'of no content type'}; ${at}.contentType is ${contentType}.`)
  if (minBytes !== undefined && body.bytes < minBytes)
    problems.push(`The answer has ${body.bytes} bytes; ${at}.minBytes is ${minBytes}.`)
  if (maxBytes !== undefined && body.bytes > maxBytes)
    problems.push(`The answer has ${body.bytes} bytes; ${at}.maxBytes is ${maxBytes}.`)
  if (jsonPath && jsonPath.length > 0) {
    if (body.bytes > MAX_JSON_BYTES)
      problems.push(`The answer has ${body.bytes} bytes; ${at}.jsonPath reads up to ${MAX_JSON_BYTES}.`)
    else problems.push(...(await checkJson(await body.text(MAX_JSON_BYTES), jsonPath, { at })))
  }
  return problems
}

function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase()
}
