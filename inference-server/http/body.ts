import type { FastifyRequest } from 'fastify'
import { Failure } from '../core/errors.ts'
import type { InputFile } from '../tasks/task.ts'
import { MULTIPART_TYPE, readMultipart } from './multipart.ts'

/**
 * A request as it came, brought to one form. `texts` are values from where everything is text (query, custom attributes,
 * multipart fields), `values` are those of a JSON body.
 */
export type Invocation = {
  /** By name; `''` is the raw body. */
  files: Record<string, InputFile>
  /** Strangers' attributes may be among these: what no task knows is ignored. */
  hints: Record<string, string>
  texts: Record<string, string>
  values: Record<string, unknown>
}

/** SageMaker's own limit. */
const MAX_ATTRIBUTES = 1024
/** Deeper than any field of any task. */
const MAX_JSON_DEPTH = 16

/** Reads a request whose body fastify has parsed or kept. @throws Failure InvalidRequest, BodyTooLarge */
export async function readInvocation({ headers, query, body }: FastifyRequest): Promise<Invocation> {
  const header = headers['x-amzn-sagemaker-custom-attributes']
  const hints = { ...readQuery(query), ...readCustomAttributes(Array.isArray(header) ? header[0] : header) }
  if (body === undefined || body === null) throw new Failure('InvalidRequest', 'The body is empty.')
  if (Buffer.isBuffer(body)) {
    if (body.length === 0) throw new Failure('InvalidRequest', 'The body is empty.')
    const given = headers['content-type'] ?? ''
    const contentType = given.split(';', 1)[0]?.trim().toLowerCase()
    if (contentType === MULTIPART_TYPE) return { ...(await readMultipart(body, given)), hints, values: {} }
    return { files: { '': { bytes: body, contentType } }, hints, texts: {}, values: {} }
  }
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new Failure('InvalidRequest', 'The body must be a JSON object.')
  }
  return { files: {}, hints, texts: {}, values: body as Record<string, unknown> }
}

/**
 * Reads `key=value;key=value` of X-Amzn-SageMaker-Custom-Attributes. What is not of this form is somebody else's, and
 * ignored.
 */
function readCustomAttributes(header: string | undefined): Record<string, string> {
  const fields: Record<string, string> = Object.create(null)
  for (const part of (header ?? '').slice(0, MAX_ATTRIBUTES).split(';')) {
    const at = part.indexOf('=')
    if (at > 0) fields[part.slice(0, at).trim()] = part.slice(at + 1).trim()
  }
  return fields
}

/** Parses a JSON body. @throws Failure InvalidRequest for what is no JSON, or nested deeper than any request is. */
export function parseJson(text: string): unknown {
  if (text === '') throw new Failure('InvalidRequest', 'The body is empty.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Failure('InvalidRequest', 'The body is not valid JSON.', { cause })
  }
  if (deeperThan(value, MAX_JSON_DEPTH)) {
    throw new Failure('InvalidRequest', `The body is nested deeper than ${MAX_JSON_DEPTH} levels.`)
  }
  return value
}

/**
 * The bytes of base64 text, with or without a data: prefix.
 * @throws Failure InvalidRequest
 */
export function decodeBase64(text: string, name: string): Uint8Array {
  const start = text.startsWith('data:') ? text.indexOf(',') + 1 : 0
  const encoded = text.slice(start)
  const bytes = Buffer.from(encoded, 'base64')
  // Buffer skips what is no base64; the length tells.
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0
  if (bytes.length === 0 || bytes.length !== Math.floor(((encoded.length - padding) * 3) / 4)) {
    throw new Failure('InvalidRequest', `"${name}" is not valid base64.`)
  }
  return bytes
}

function readQuery(query: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query as Record<string, string | string[]>).map(([key, value]) => [
      key,
      Array.isArray(value) ? (value[0] ?? '') : value,
    ]),
  )
}

/** Whether lists and objects lie more than so many levels deep; looks no deeper than that itself. */
function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const child of Array.isArray(value) ? value : Object.values(value)) {
    // Most are numbers of long lists, for which a call would be much.
    if (typeof child === 'object' && deeperThan(child, levels - 1)) return true
  }
  return false
}
