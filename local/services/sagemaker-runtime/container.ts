import { type IncomingHttpHeaders, request } from 'node:http'

export type Invocation = {
  body: Uint8Array
  contentType: string | undefined
  accept: string | undefined
  customAttributes: string | undefined
  inferenceId: string | undefined
}
export type ContainerResponse = {
  status: number
  contentType: string
  customAttributes: string | undefined
  /** False for a chunked response, which SageMaker's asynchronous inference refuses. */
  hasContentLength: boolean
  headerBytes: number
  body: Uint8Array
}

/** The container closed or refused the connection: it ended, or is about to. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('the container closed the connection', { cause })
    this.name = 'ConnectionLost'
  }
}
export class InvocationTimeout extends Error {
  constructor() {
    super('the container did not answer in time')
    this.name = 'InvocationTimeout'
  }
}

/**
 * POST /invocations with the headers that SageMaker passes on.
 * @param timeoutMs real milliseconds: the container computes in real time.
 * @throws ConnectionLost, InvocationTimeout, or the signal's reason.
 */
export function invokeContainer(
  port: number,
  invocation: Invocation,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ContainerResponse> {
  return new Promise((resolve, reject) => {
    const expiry = AbortSignal.timeout(timeoutMs)
    const fail = (error: unknown) =>
      reject(signal.aborted ? signal.reason : expiry.aborted ? new InvocationTimeout() : new ConnectionLost(error))
    const sent = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/invocations',
      agent: false,
      headers: headersFor(invocation),
      signal: AbortSignal.any([signal, expiry]),
    })
    sent.once('error', fail)
    sent.once('response', (response) => {
      const chunks: Uint8Array[] = []
      response.on('data', (chunk: Uint8Array) => chunks.push(chunk))
      response.once('error', fail)
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? 'application/octet-stream',
          customAttributes: single(response.headers, 'x-amzn-sagemaker-custom-attributes'),
          hasContentLength: response.headers['content-length'] !== undefined,
          headerBytes: response.rawHeaders.reduce((bytes, part) => bytes + Buffer.byteLength(part) + 2, 0),
          body: Buffer.concat(chunks),
        }),
      )
    })
    sent.end(invocation.body)
  })
}

function headersFor(invocation: Invocation): Record<string, string | number> {
  const { contentType, accept, customAttributes, inferenceId, body } = invocation
  return {
    'Content-Length': body.byteLength,
    ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
    ...(accept === undefined ? {} : { Accept: accept }),
    ...(customAttributes === undefined ? {} : { 'X-Amzn-SageMaker-Custom-Attributes': customAttributes }),
    ...(inferenceId === undefined ? {} : { 'X-Amzn-SageMaker-Inference-Id': inferenceId }),
  }
}

function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}
