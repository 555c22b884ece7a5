import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { CallHook } from '../call-hook.ts'
import type { FaultBoard } from '../faults.ts'
import type { RateLimits } from '../rate-limits.ts'
import type { Recorder } from '../recorder.ts'
import { ApiError } from '../service.ts'
import { bucketRegions } from '../services/storage/buckets.ts'
import { inwardArns, outwardArns, type Topics } from '../services/storage/topics.ts'
import { readBody } from './body.ts'
import { refuseAsXml } from './xml-errors.ts'

export type ForwardOptions = {
  proxied: { host: string; port: number; topics: Pick<Topics, 'refuseOtherTags'> }
  recorder: Recorder
  faults: FaultBoard
  limits: RateLimits
  accountId: string
  onCall?: CallHook | undefined
}

/** Operations whose answers carry queue URLs. */
const NAMING_QUEUES = ['CreateQueue', 'GetQueueUrl', 'ListQueues', 'ListDeadLetterSourceQueues']

/** Hands a request on to fauxqs as it came, S3's bodies streamed; faults and the recorder apply to it as to the others. */
export function forwarder({ proxied, recorder, faults, limits, accountId, onCall }: ForwardOptions) {
  const { host, port, topics } = proxied
  const buckets = bucketRegions()
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    { service, region }: { service: string; region: string },
  ): Promise<void> => {
    // S3 names its operations by method and path; the others in a body that is small enough to be read.
    const body = service === 's3' ? undefined : await text(request)
    const operation = operationOf(request, body)
    const caller = { service, operation, agent: String(request.headers['user-agent'] ?? '') }
    const record = (code: string) => recorder.add({ at: Date.now(), ...caller, code })
    const fault = faults.onCall(service, operation, (subject) => `${request.url} ${body ?? ''}`.includes(subject))
    if (fault.delayMs) await delay(fault.delayMs)
    if (fault.drop === 'before' || (!fault.error && (await onCall?.({ phase: 'before', ...caller })) === 'drop')) {
      record('Dropped')
      return void request.socket.destroy()
    }
    const form = service === 'sns' && body !== undefined ? inwardArns(new URLSearchParams(body)) : undefined
    try {
      const refusal = fault.error ?? limits.onCall(service, operation)
      if (refusal) throw refusal
      if (form && operation === 'CreateTopic') await topics.refuseOtherTags(form, region)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      record(error.code)
      request.resume()
      if (service !== 's3' && service !== 'sns') throw error
      return refuseAsXml(response, service, error, request.method === 'HEAD')
    }
    const path = request.url ?? '/'
    const bucketRegion = service === 's3' ? buckets.of(path) : undefined
    if (bucketRegion && bucketRegion !== region && request.method === 'HEAD') {
      record('301')
      response.writeHead(301, { 'x-amz-bucket-region': bucketRegion })
      return void response.end()
    }
    const queues = service === 'sqs' ? queueUrls(region, request.headers.host ?? '') : undefined
    const upstream = httpRequest({ host, port, method: request.method, path, headers: request.headers })
    const answered = once(upstream, 'response') as Promise<[IncomingMessage]>
    if (body === undefined) {
      pipeline(request, upstream).catch((error: Error) => upstream.destroy(error))
    } else {
      const inward = Buffer.from(form?.toString() ?? queues?.inward(body) ?? body)
      upstream.setHeader('content-length', inward.byteLength)
      upstream.end(inward)
    }
    const [from] = await answered
    const status = from.statusCode ?? 502
    const code = status < 400 ? 'OK' : String(status)
    record(code)
    if ((await onCall?.({ phase: 'after', ...caller, code })) === 'drop' || fault.drop === 'after') {
      from.resume()
      return void request.socket.destroy()
    }
    if (queues && NAMING_QUEUES.includes(operation)) return answerRewritten(from, response, queues.outward)
    if (form) return answerRewritten(from, response, (text) => outwardArns(text, accountId))
    if (service === 's3' && request.method === 'PUT' && status < 300) buckets.created(path, region)
    // Its client has gone meanwhile, as one does that is killed: there is nobody to answer.
    if (response.destroyed) return void from.destroy()
    response.writeHead(status, { ...from.headers, ...(bucketRegion ? { 'x-amz-bucket-region': bucketRegion } : {}) })
    await pipeline(from, response).catch((error: unknown) => {
      if (!response.destroyed) throw error
    })
  }
}

/** SQS: the target's; SNS and STS: the form's Action; S3: the method, such as PUT. */
function operationOf(request: IncomingMessage, body: string | undefined): string {
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1]
  const action = body === undefined ? undefined : new URLSearchParams(body).get('Action')
  return target ?? action ?? request.method ?? ''
}

async function answerRewritten(
  from: IncomingMessage,
  response: ServerResponse,
  rewrite: (text: string) => string,
): Promise<void> {
  const body = Buffer.from(rewrite(await text(from)))
  response.writeHead(from.statusCode ?? 502, { ...from.headers, 'content-length': body.byteLength })
  response.end(body)
}

/** fauxqs names queues by a host below `localhost`, which not every resolver knows; outside they have the gateway's own address. */
function queueUrls(region: string, host: string) {
  const port = host.split(':')[1] ?? ''
  const inside = `http://sqs.${region}.localhost${port ? `:${port}` : ''}/`
  const outside = `http://${host}/`
  return {
    inward: (body: string) => body.replaceAll(outside, inside),
    outward: (body: string) => body.replaceAll(inside, outside),
  }
}

/** Messages are small: SQS takes 1 MiB, SNS 256 KB. */
const LIMIT_BYTES = 4 * 1024 * 1024

async function text(stream: IncomingMessage): Promise<string> {
  const body = await readBody(stream, LIMIT_BYTES, () => new Error(`a body of more than ${LIMIT_BYTES} bytes`))
  return body.toString('utf8')
}
