import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Failure, type FailureCode } from '../core/errors.ts'

/**
 * The status of each failure. SageMaker stores the body of every answer that is not 2xx under the failure path: the status
 * says whether the caller (4xx) or the server (5xx) must change, and whether a repeat may help (429, 503, 504).
 */
const STATUS: Readonly<Record<FailureCode, number>> = {
  InvalidRequest: 400,
  UnknownTask: 400,
  S3Denied: 403,
  NotAcceptable: 406,
  ImageTooLarge: 413,
  BodyTooLarge: 413,
  UnsupportedContentType: 415,
  InvalidParameters: 422,
  InvalidPrompt: 422,
  InvalidImage: 422,
  InvalidData: 422,
  QueueFull: 429,
  WorkerCrashed: 500,
  ModelFailed: 500,
  S3Failed: 502,
  NotReady: 503,
  Draining: 503,
  DeadlineExceeded: 504,
}

/** Fastify's own errors, in this server's words. */
const FASTIFY_ERRORS: Readonly<Record<string, { status: number; code: string; message: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'BodyTooLarge', message: 'The request body is too large.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'UnsupportedContentType',
    message: 'Send application/json, multipart/form-data, or a file with its own content type.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'InvalidRequest', message: 'The body is empty.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'InvalidRequest', message: 'The body is not valid JSON.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'InvalidRequest',
    message: 'The body does not have the length that Content-Length says.',
  },
}

/** Every answer that is no success: `{error: {code, message, details?, requestId}}`, never a stack trace. */
export function sendError(error: FastifyError | Failure | Error, request: FastifyRequest, reply: FastifyReply): void {
  const { status, code, message, details } = explain(error)
  if (status >= 500 && code !== 'Draining' && code !== 'NotReady')
    request.log.error({ err: error, requestId: request.id }, 'request failed')
  if (status === 429 || status === 503) reply.header('retry-after', '1')
  reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send({ error: { code, message, ...(details ? { details } : {}), requestId: request.id } })
}

function explain(error: FastifyError | Failure | Error): {
  status: number
  code: string
  message: string
  details?: readonly string[] | undefined
} {
  if (error instanceof Failure) {
    return { status: STATUS[error.code], code: error.code, message: error.message, details: error.details }
  }
  const known = 'code' in error ? FASTIFY_ERRORS[error.code] : undefined
  if (known) return known
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status < 500) return { status, code: 'InvalidRequest', message: 'The request is malformed.' }
  return {
    status: 500,
    code: 'InternalError',
    message: 'The server failed. Its log has the cause under this request id.',
  }
}
