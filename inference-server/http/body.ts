import { Failure } from '../core/errors.ts'

/** A request's body and attributes, brought to one form. */
export type Invocation = { image: Uint8Array; fields: Readonly<Record<string, unknown>> }

/** SageMaker's own limit. */
const MAX_ATTRIBUTES = 1024

/**
 * Reads `key=value;key=value` of X-Amzn-SageMaker-Custom-Attributes. A value that is JSON is taken as such, so that a raw
 * image may carry its prompt: `task=segment;points=[[10,20]]`. What is not of this form is somebody else's, and ignored.
 */
export function readCustomAttributes(header: string | undefined): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {}
  for (const part of (header ?? '').slice(0, MAX_ATTRIBUTES).split(';')) {
    const at = part.indexOf('=')
    if (at <= 0) continue
    fields[part.slice(0, at).trim()] = jsonOrText(part.slice(at + 1).trim())
  }
  return fields
}

/**
 * Reads a JSON body `{task, image, …}`, where `image` is base64 with or without a data: prefix; the body's fields win over
 * the attributes'.
 * @throws Failure InvalidRequest
 */
export function readJsonInvocation(body: unknown, attributes: Readonly<Record<string, unknown>>): Invocation {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Failure('InvalidRequest', 'The body must be a JSON object.')
  }
  const { image, ...fields } = body as Record<string, unknown>
  if (typeof image !== 'string' || image === '') {
    throw new Failure('InvalidRequest', '"image" is missing: give the image file in base64.')
  }
  return { image: decodeBase64(image), fields: { ...attributes, ...fields } }
}

function decodeBase64(text: string): Uint8Array {
  const start = text.startsWith('data:') ? text.indexOf(',') + 1 : 0
  const encoded = text.slice(start)
  const bytes = Buffer.from(encoded, 'base64')
  // Buffer skips what is no base64; the length tells.
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0
  if (bytes.length === 0 || bytes.length !== Math.floor(((encoded.length - padding) * 3) / 4)) {
    throw new Failure('InvalidRequest', '"image" is not valid base64.')
  }
  return bytes
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
