import type { MultipartFile, MultipartValue } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { Failure } from '../core/errors.ts'
import type { InputFile } from '../tasks/task.ts'

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

/** Reads a request whose body fastify has parsed. @throws Failure InvalidRequest */
export async function readInvocation(request: FastifyRequest, maxBytes: number): Promise<Invocation> {
  const header = request.headers['x-amzn-sagemaker-custom-attributes']
  const hints = { ...readQuery(request.query), ...readCustomAttributes(Array.isArray(header) ? header[0] : header) }
  if (request.isMultipart()) {
    try {
      return { ...(await readMultipart(request, maxBytes)), hints, values: {} }
    } catch (cause) {
      // The library has a status for each limit, and none for a body that breaks off.
      if (cause instanceof Failure || (cause as { statusCode?: number }).statusCode) throw cause
      throw new Failure('InvalidRequest', 'The multipart body is malformed.', { cause })
    }
  }
  const { body } = request
  if (body === undefined || body === null) throw new Failure('InvalidRequest', 'The body is empty.')
  if (Buffer.isBuffer(body)) {
    if (body.length === 0) throw new Failure('InvalidRequest', 'The body is empty.')
    const contentType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
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

async function readMultipart(request: FastifyRequest, maxBytes: number): Promise<Pick<Invocation, 'files' | 'texts'>> {
  const files: Record<string, InputFile> = Object.create(null)
  const texts: Record<string, string> = Object.create(null)
  let bytes = 0
  for await (const part of request.parts() as AsyncIterable<MultipartFile | MultipartValue>) {
    if (part.type === 'file') {
      const file = { bytes: await part.toBuffer(), contentType: part.mimetype }
      files[part.fieldname] = file
      bytes += file.bytes.length
    } else {
      const value = String(part.value)
      texts[part.fieldname] = value
      bytes += value.length
    }
    // The library bounds each part; a body without a length may have many.
    if (bytes > maxBytes) throw new Failure('BodyTooLarge', 'The request body is too large.')
  }
  return { files, texts }
}

/** Without recursion: how deep it may go is what is being asked. */
function deeperThan(value: unknown, limit: number): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true
    level = level.flatMap((each) => {
      if (typeof each !== 'object' || each === null) return []
      const children = Array.isArray(each) ? each : Object.values(each)
      // Long lists of numbers are one level, whose every value need not be looked at.
      return children.filter((child) => typeof child === 'object' && child !== null)
    })
  }
  return false
}
