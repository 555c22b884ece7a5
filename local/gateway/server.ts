import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { CallHook } from '../call-hook.ts'
import type { FaultBoard } from '../faults.ts'
import type { RateLimits } from '../rate-limits.ts'
import type { Recorder } from '../recorder.ts'
import { ApiError, type JsonObject, type Service } from '../service.ts'
import { readBody } from './body.ts'
import { type ForwardOptions, forwarder } from './forward.ts'
import { type Answer, pastAnswers } from './past-answers.ts'
import { matchRest, restInput, restOutput } from './rest.ts'
import { fromWire, type Operation, toWire } from './shapes.ts'

/** A JSON request of the control planes; InvokeEndpoint's bodies may have 6 MiB. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024
/** Operations that change nothing: the ones that may answer from the past. */
const READ = /^(Describe|List|Get|BatchGet)/

/** A service together with the shapes that the SDK has of it. */
export type Mounted = {
  service: Service
  operations: Map<string, Operation>
  /** The X-Amz-Target's prefix; undefined for REST. */
  target: string | undefined
  /** What the service calls an input that its shapes refuse, where not ValidationException. */
  invalid?: string
}

export type GatewayOptions = {
  mounted: Mounted[]
  /** Where S3, SNS, SQS and STS are, by the service name of the signature. */
  proxied: { services: string[] } & ForwardOptions['proxied']
  /** Answers everything below these paths itself; true when it did. */
  other: (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>
  recorder: Recorder
  faults: FaultBoard
  onCall?: CallHook | undefined
  limits: RateLimits
  region: string
  accountId: string
  onError(error: unknown, what: string): void
}

/** One loopback server for all services, as AWS_ENDPOINT_URL wants it. */
export function gateway(options: GatewayOptions): Server {
  const byTarget = new Map(options.mounted.flatMap((mount) => (mount.target ? [[mount.target, mount] as const] : [])))
  const rest = options.mounted.filter((mount) => mount.target === undefined)
  const past = pastAnswers()
  const forward = forwarder(options)

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const signed = signature(request, url)
    if (signed && options.proxied.services.includes(signed.service)) return forward(request, response, signed)
    if (await options.other(request, response, url.pathname)) return
    const target = request.headers['x-amz-target']
    if (typeof target === 'string') return json(request, response, target, signed?.region)
    for (const mount of rest) {
      const match = matchRest(mount.operations, request.method ?? '', url.pathname)
      if (!match) continue
      const body = await bodyOf(request)
      return run(request, response, mount, match.operation, signed?.region, 'rest', () =>
        restInput(match, request.headers, body),
      )
    }
    // Unsigned requests with a bucket in them: presigned URLs and public reads go to S3.
    if (!signed || url.searchParams.has('X-Amz-Signature')) {
      return forward(request, response, { service: 's3', region: options.region })
    }
    throw new ApiError(
      'UnknownOperationException',
      `The local cloud has no ${request.method} ${url.pathname} of ${signed.service}`,
      404,
    )
  }

  const json = async (
    request: IncomingMessage,
    response: ServerResponse,
    target: string,
    region: string | undefined,
  ) => {
    const [prefix = '', name = ''] = target.split('.')
    const mount = byTarget.get(prefix)
    const operation = mount?.operations.get(name)
    if (!mount || !operation) throw new ApiError('UnknownOperationException', `The local cloud has no ${target}`, 400)
    const body = await bodyOf(request)
    return run(request, response, mount, operation, region, 'json', () => {
      try {
        return fromWire(
          operation.input,
          body.byteLength === 0 ? {} : JSON.parse(Buffer.from(body).toString('utf8')),
        ) as JsonObject
      } catch (error) {
        if (error instanceof ApiError) {
          throw mount.invalid && error.code === 'ValidationException'
            ? new ApiError(mount.invalid, error.message)
            : error
        }
        throw new ApiError('SerializationException', 'The body is not JSON')
      }
    })
  }

  /** A read, remembered; or what it was answered before. */
  const read = async (
    operation: string,
    input: JsonObject,
    handle: () => Promise<JsonObject>,
    stale: boolean,
  ): Promise<JsonObject> => {
    const now: Answer = await handle().then(
      (output) => ({ output }),
      (error: unknown) => ({ error }),
    )
    const before = past.before(operation, input, now)
    const answer = stale ? before : now
    if ('error' in answer) throw answer.error
    return answer.output
  }

  const run = async (
    request: IncomingMessage,
    response: ServerResponse,
    { service, operations }: Mounted,
    operation: Operation,
    region: string | undefined,
    protocol: 'json' | 'rest',
    decode: () => JsonObject,
  ): Promise<void> => {
    const requestId = randomUUID()
    const caller = {
      service: service.name,
      operation: operation.name,
      agent: String(request.headers['user-agent'] ?? ''),
    }
    const record = (code: string) => options.recorder.add({ at: Date.now(), ...caller, code })
    const dropped = () => {
      record('Dropped')
      request.socket.destroy()
    }
    let input: JsonObject = {}
    const handled = (code: string, output?: JsonObject) =>
      options.onCall?.({ phase: 'after', ...caller, input, code, ...(output ? { output } : {}) })
    try {
      const fault = options.faults.onCall(service.name, operation.name, (subject) =>
        JSON.stringify(decode()).includes(subject),
      )
      if (fault.delayMs) await delay(fault.delayMs)
      if (fault.drop === 'before') return dropped()
      const refusal = fault.error ?? options.limits.onCall(service.name, operation.name)
      if (refusal) throw refusal
      const handler = service.operations[operation.name]
      if (!handler || !operations.has(operation.name)) {
        throw new ApiError('UnknownOperationException', `The local cloud has no ${operation.name}`)
      }
      input = decode()
      if ((await options.onCall?.({ phase: 'before', ...caller, input })) === 'drop') return dropped()
      const call = {
        service: service.name,
        operation: operation.name,
        region: region ?? options.region,
        accountId: options.accountId,
        input,
        requestId,
      }
      const output = READ.test(operation.name)
        ? await read(operation.name, input, async () => handler(call), fault.stale === true)
        : await handler(call)
      record('OK')
      if ((await handled('OK', output)) === 'drop' || fault.drop === 'after') return void request.socket.destroy()
      if (protocol === 'rest') {
        const { status, headers, body } = restOutput(operation, output)
        return answer(response, status, { ...headers, 'x-amzn-requestid': requestId }, body)
      }
      const body = Buffer.from(JSON.stringify(toWire(operation.output, output) ?? {}))
      return answer(
        response,
        200,
        { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId },
        body,
      )
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 'InternalFailure'
      record(code)
      if ((await handled(code)) === 'drop') return void request.socket.destroy()
      throw error
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // Its client broke it off; there is nobody to answer. Node has no socket any more for a request whose connection is long gone.
      const socket: Socket | null = request.socket
      if (!socket || socket.destroyed || (request.destroyed && !request.complete)) return response.destroy()
      if (!(error instanceof ApiError)) options.onError(error, `${request.method} ${request.url}`)
      if (response.headersSent) return response.destroy()
      // What is left of a body that nobody read would be taken for the next request on this connection.
      if (!request.complete) response.setHeader('connection', 'close')
      refuse(response, error)
    })
  })
  server.keepAliveTimeout = 60_000
  return server
}

function refuse(response: ServerResponse, error: unknown): void {
  const api =
    error instanceof ApiError
      ? error
      : new ApiError('InternalFailure', 'The local cloud failed; its log says why.', 500)
  const body = Buffer.from(
    JSON.stringify({ __type: api.code, message: api.message, Message: api.message, ...api.members }),
  )
  answer(
    response,
    api.status,
    { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': api.code, 'x-amzn-requestid': randomUUID() },
    body,
  )
}

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body: Uint8Array): void {
  response.writeHead(status, { ...headers, 'content-length': String(body.byteLength) })
  response.end(body)
}

/** The credential scope names region and service: AKID/date/region/service/aws4_request. */
function signature(request: IncomingMessage, url: URL): { region: string; service: string } | undefined {
  const header = /Credential=([^,\s]+)/.exec(request.headers.authorization ?? '')?.[1]
  const [, , region, service] = (header ?? url.searchParams.get('X-Amz-Credential') ?? '').split('/')
  return region && service ? { region, service } : undefined
}

function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const message = `Request body exceeds ${BODY_LIMIT_BYTES} bytes`
  return readBody(request, BODY_LIMIT_BYTES, () => new ApiError('RequestEntityTooLargeException', message, 413))
}
