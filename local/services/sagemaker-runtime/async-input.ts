import { randomUUID } from 'node:crypto'
import type { AsyncInferenceConfig } from '@aws-sdk/client-sagemaker'
import type { InvokeEndpointAsyncCommandInput } from '@aws-sdk/client-sagemaker-runtime'
import { ApiError } from '../../service.ts'
import type { AsyncRequest } from './types.ts'

const MAX_INLINE_BYTES = 128_000
const DEFAULT_TTL_SECONDS = 21_600
const DEFAULT_INVOCATION_TIMEOUT_SECONDS = 900
const ASCII = /^[\x20-\x7e\t]*$/

/** The runtime says ValidationError where the control plane says ValidationException. */
export const validationError = (message: string) => new ApiError('ValidationError', message)

export type AsyncInput = Partial<Omit<InvokeEndpointAsyncCommandInput, 'Body'>> & { Body?: Uint8Array }

/**
 * Turns InvokeEndpointAsync's input into a request, with its output locations.
 * @throws ApiError ValidationError.
 */
export function asyncRequest(input: AsyncInput, config: AsyncInferenceConfig, now: number): AsyncRequest {
  check(input)
  // The key's UUID is not the inference id.
  const file = input.Filename ?? `${randomUUID()}.out`
  const folder = input.S3OutputPathExtension?.replace(/^\/+|\/+$/g, '')
  const under = (path: string | undefined, name: string) =>
    path === undefined ? undefined : [path.replace(/\/+$/, ''), ...(folder ? [folder] : []), name].join('/')
  return {
    inferenceId: input.InferenceId ?? randomUUID(),
    endpointName: String(input.EndpointName),
    inputLocation: input.InputLocation,
    inlineBody: input.InputLocation === undefined ? input.Body : undefined,
    contentType: input.ContentType,
    accept: input.Accept,
    customAttributes: input.CustomAttributes,
    outputLocation: under(config.OutputConfig?.S3OutputPath, file),
    failureLocation: under(config.OutputConfig?.S3FailurePath, `${file.replace(/\.out$/, '')}-error.out`),
    invocationTimeoutMs: (input.InvocationTimeoutSeconds ?? DEFAULT_INVOCATION_TIMEOUT_SECONDS) * 1000,
    receivedAt: now,
    expiresAt: now + (input.RequestTTLSeconds ?? DEFAULT_TTL_SECONDS) * 1000,
    attempts: 0,
  }
}

function check(input: AsyncInput): void {
  const body = input.Body
  const hasBody = body !== undefined && body.byteLength > 0
  if (hasBody === (input.InputLocation !== undefined))
    throw validationError('Exactly one of InputLocation and Body must be specified.')
  if (hasBody && body.byteLength > MAX_INLINE_BYTES)
    throw validationError(`Body must have length less than or equal to ${MAX_INLINE_BYTES}.`)
  text('InputLocation', input.InputLocation, 1024, /^(https|s3):\/\/([^/]+)\/?(.*)$/)
  text('InferenceId', input.InferenceId, 64, /^\S.*$/)
  text('Filename', input.Filename, 32, /^[^/]+$/)
  text('S3OutputPathExtension', input.S3OutputPathExtension, 512, /./)
  text('ContentType', input.ContentType, 1024, ASCII)
  text('Accept', input.Accept, 1024, ASCII)
  text('CustomAttributes', input.CustomAttributes, 1024, ASCII)
  range('RequestTTLSeconds', input.RequestTTLSeconds, 60, 21_600)
  range('InvocationTimeoutSeconds', input.InvocationTimeoutSeconds, 1, 3_600)
}

function text(name: string, value: string | undefined, maxLength: number, pattern: RegExp): void {
  if (value === undefined) return
  if (value.length > maxLength) throw validationError(`${name} must have length less than or equal to ${maxLength}.`)
  if (!pattern.test(value)) throw validationError(`${name} must satisfy regular expression pattern: ${pattern.source}`)
}

function range(name: string, value: number | undefined, min: number, max: number): void {
  if (value !== undefined && !(value >= min && value <= max))
    throw validationError(`${name} must be between ${min} and ${max}.`)
}
