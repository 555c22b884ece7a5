import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { FaultBoard } from '../faults.ts'
import type { Recorder } from '../recorder.ts'

export type ForwardOptions = {
  proxied: { host: string; port: number }
  recorder: Recorder
  faults: FaultBoard
}

/** Operations whose answers carry queue URLs. */
const NAMING_QUEUES = ['CreateQueue', 'GetQueueUrl', 'ListQueues', 'ListDeadLetterSourceQueues']

/** Hands a request on to fauxqs as it came, body streamed; faults and the recorder apply to it as to the others. */
export function forwarder({ proxied, recorder, faults }: ForwardOptions) {
  return (
    request: IncomingMessage,
    response: ServerResponse,
    signed: { service: string; region: string },
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      const { service } = signed
      const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? request.method ?? ''
      const record = (code: string) =>
        recorder.add({ at: Date.now(), service, operation, code, agent: String(request.headers['user-agent'] ?? '') })
      const fault = faults.onCall(service, operation)
      if (fault.drop === 'before') {
        record('Dropped')
        request.socket.destroy()
        return resolve()
      }
      if (fault.error) {
        record(fault.error.code)
        request.resume()
        return reject(fault.error)
      }
      const queues = service === 'sqs' ? queueUrls(signed.region, request.headers.host ?? '') : undefined
      const { 'content-length': _length, ...headers } = request.headers
      const upstream = httpRequest(
        {
          ...proxied,
          method: request.method,
          path: request.url,
          headers: queues ? headers : request.headers,
        },
        (from) => {
          record((from.statusCode ?? 500) < 400 ? 'OK' : String(from.statusCode))
          from.once('error', reject)
          from.once('end', resolve)
          if (queues && NAMING_QUEUES.includes(operation)) return void answerRewritten(from, response, queues.outward)
          response.writeHead(from.statusCode ?? 502, from.headers)
          from.pipe(response)
        },
      )
      upstream.once('error', reject)
      request.once('error', reject)
      if (!queues) return void request.pipe(upstream)
      text(request).then((body) => {
        const inward = Buffer.from(queues.inward(body))
        upstream.setHeader('content-length', inward.byteLength)
        upstream.end(inward)
      }, reject)
    })
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

/** SQS requests are small: a message may have 1 MiB. */
const LIMIT_BYTES = 4 * 1024 * 1024

async function text(stream: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += (chunk as Uint8Array).byteLength
    if (size > LIMIT_BYTES) throw new Error(`a body of more than ${LIMIT_BYTES} bytes`)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks).toString('utf8')
}
