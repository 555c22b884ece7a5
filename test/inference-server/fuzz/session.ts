import type { FastifyInstance } from 'fastify'
import { type FuzzRequest, mutated } from './requests.ts'

/** Refusals that a caller deserves. 429 and 5xx are none: nothing here overloads the server, and nothing may break it. */
const DESERVED = new Set([200, 400, 403, 406, 413, 415, 422])
/** Traces of the machine in what a caller sees. */
const LEAKS = /node_modules|node:internal|\.ts:\d|at \w+ \(|\/inference-server\/|\/tmp\//

const BOUNDARY = 'fuzzed'

/** What may be sent for a picture, and for a table. */
export type Files = { pictures: readonly Buffer[]; tables: readonly Buffer[] }

/** How a request is sent: the one place where fuzzed inputs become HTTP. */
export function httpRequest(request: FuzzRequest, { pictures, tables }: Files) {
  const [slot, files] = request.task === 'predict' ? ['table', tables] : ['image', pictures]
  const chosen = request.file && 'file' in request.file ? request.file : undefined
  const bytes = chosen && mutated(files[chosen.file % files.length] ?? Buffer.alloc(0), chosen.mutations, files)
  const text = request.file && 'text' in request.file ? request.file.text : undefined
  const headers: Record<string, string> = {}
  if (request.accept !== undefined) headers.accept = request.accept
  if (request.attributes !== undefined) headers['x-amzn-sagemaker-custom-attributes'] = request.attributes
  const asText = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
  if (request.form === 'json') {
    headers['content-type'] = 'application/json'
    const entries: [string, unknown][] = [['task', request.task], ...request.fields]
    if (bytes) entries.push([slot, bytes.toString('base64')])
    else if (text !== undefined) entries.push([slot, text])
    // By hand, since an object would keep __proto__ to itself.
    const json = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? 'null'}`).join(',')}}`
    return { url: '/invocations', headers, payload: mutated(Buffer.from(json), request.body, files) }
  }
  if (request.form === 'multipart') {
    headers['content-type'] = `multipart/form-data; boundary=${BOUNDARY}`
    const part = (disposition: string, content: Buffer | string, type?: string) =>
      Buffer.concat([
        Buffer.from(
          `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n${type ? `Content-Type: ${type}\r\n` : ''}\r\n`,
        ),
        Buffer.from(content),
        Buffer.from('\r\n'),
      ])
    const safe = (name: string) => name.replace(/["\r\n]/g, '_')
    const parts = [['task', request.task] as const, ...request.fields].map(([name, value]) =>
      part(`name="${safe(name)}"`, asText(value)),
    )
    if (bytes) parts.push(part(`name="${slot}"; filename="f"`, bytes, chosen?.type))
    else if (text !== undefined) parts.push(part(`name="${slot}"`, text))
    return {
      url: '/invocations',
      headers,
      payload: mutated(Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]), request.body, files),
    }
  }
  if (chosen?.type) headers['content-type'] = chosen.type
  const query = new URLSearchParams([
    ['task', asText(request.task)],
    ...request.fields.map(([name, value]): [string, string] => [name, asText(value).slice(0, 2000)]),
  ])
  return {
    url: `/invocations?${query}`,
    headers,
    payload: mutated(bytes ?? Buffer.from(text ?? ''), request.body, files),
  }
}

/** Sends one request. @throws Error saying what is wrong with the answer */
export async function send(http: FastifyInstance, request: FuzzRequest, files: Files): Promise<number> {
  const response = await http.inject({ method: 'POST', ...httpRequest(request, files) })
  const status = response.statusCode
  if (!DESERVED.has(status)) throw new Error(`${status} ${response.body.slice(0, 400)}`)
  const isJson = String(response.headers['content-type']).startsWith('application/json')
  if (status === 200) {
    if (isJson && typeof response.json().task !== 'string')
      throw new Error(`an answer without a task: ${response.body.slice(0, 200)}`)
    return status
  }
  const { error } = response.json()
  if (typeof error?.code !== 'string' || typeof error.message !== 'string' || typeof error.requestId !== 'string') {
    throw new Error(`an error without a form: ${response.body.slice(0, 200)}`)
  }
  if (LEAKS.test(response.body)) throw new Error(`an error that tells of the machine: ${response.body.slice(0, 400)}`)
  return status
}
