import { Agent, type IncomingMessage, request as sendRequest } from 'node:http'

/** Of an answer that is kept for the checks; the rest is counted. */
const KEPT_BYTES = 1_048_577
/** SageMaker takes answers of asynchronous endpoints up to 1 GB. */
const MAX_ANSWER_BYTES = 1_073_741_824
/** Enough to say how much too much they are. */
const MAX_HEADER_BYTES = 131_072

export type Request = {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: Uint8Array
  /** From sending to the last byte of the answer. */
  timeoutMs: number
  signal: AbortSignal
}

export type Reply = {
  status: number
  contentType: string | undefined
  /** Names and values together. */
  headerBytes: number
  /** Whether the answer says how long it is. */
  sized: boolean
  bytes: number
  /** The beginning of the body, as text. */
  text: string
  milliseconds: number
}

/** Why no answer came. `refused`: nobody listens; `closed`: the connection ended before the answer did. */
export class NoReply extends Error {
  readonly kind: 'refused' | 'timeout' | 'closed' | 'headers' | 'large'
  constructor(kind: NoReply['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NoReply'
    this.kind = kind
  }
}

/** Sends one request to the container. @throws NoReply, or the signal's reason */
export type Send = (request: Request) => Promise<Reply>

/**
 * Speaks HTTP/1.1 as SageMaker's agent does: a connection a request, no redirects, no compression that nobody asked for. Not by fetch,
 * which hides how an answer was framed.
 */
export function sendTo(baseUrl: string, now: () => number): Send {
  // A kept connection would hold up the container's own shutdown.
  const agent = new Agent({ keepAlive: false })
  return ({ method, path, headers = {}, body, timeoutMs, signal }) =>
    new Promise<Reply>((resolve, reject) => {
      const start = now()
      const timeout = AbortSignal.timeout(Math.max(1, timeoutMs))
      const fail = (error: unknown) => reject(signal.aborted ? signal.reason : explain(error, timeout, timeoutMs))
      const sent = sendRequest(new URL(path, baseUrl), {
        agent,
        method,
        headers: { ...headers, ...(body ? { 'content-length': String(body.byteLength) } : {}) },
        maxHeaderSize: MAX_HEADER_BYTES,
        signal: AbortSignal.any([signal, timeout]),
      })
      sent.once('error', fail)
      sent.once('response', (response) => {
        read(response).then(
          (answer) => resolve({ ...answer, milliseconds: Math.round(now() - start) }),
          (error: unknown) => {
            sent.destroy()
            fail(error)
          },
        )
      })
      sent.end(body)
    })
}

async function read(response: IncomingMessage): Promise<Omit<Reply, 'milliseconds'>> {
  const kept: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < KEPT_BYTES) kept.push(chunk.subarray(0, KEPT_BYTES - bytes))
    bytes += chunk.byteLength
    if (bytes > MAX_ANSWER_BYTES)
      throw new NoReply('large', 'It answered with more than 1 GiB, the most that SageMaker stores: answer with less.')
  }
  const { statusCode: status = 0, headers, rawHeaders } = response
  return {
    status,
    contentType: headers['content-type'],
    headerBytes: rawHeaders.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    sized: headers['content-length'] !== undefined || status === 204 || status === 304,
    bytes,
    text: Buffer.concat(kept).toString('utf8'),
  }
}

function explain(error: unknown, timeout: AbortSignal, timeoutMs: number): NoReply {
  if (error instanceof NoReply) return error
  const cause = { cause: error }
  if (timeout.aborted)
    return new NoReply('timeout', `It did not answer within ${Math.round(timeoutMs / 100) / 10} s.`, cause)
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return new NoReply('refused', 'Nothing listens there.', cause)
  if (code === 'HPE_HEADER_OVERFLOW')
    return new NoReply('headers', `Its response headers have more than ${MAX_HEADER_BYTES} bytes.`, cause)
  if (code?.startsWith('HPE_')) return new NoReply('closed', `What it answered is no HTTP/1.1 (${code}).`, cause)
  return new NoReply('closed', 'It ended the connection before it had answered.', cause)
}
