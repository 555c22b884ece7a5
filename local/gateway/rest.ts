import type { IncomingHttpHeaders } from 'node:http'
import { ApiError, type JsonObject } from '../service.ts'
import { fromWire, type Operation } from './shapes.ts'

/** REST-JSON, as far as SageMaker's runtime needs it: labels in the path, members in headers, one member as the whole body. */
export type RestMatch = { operation: Operation; labels: Record<string, string> }

/** Finds the operation whose path pattern fits. */
export function matchRest(operations: Map<string, Operation>, method: string, path: string): RestMatch | undefined {
  const parts = path.split('/')
  for (const operation of operations.values()) {
    if (operation.http?.method !== method) continue
    const pattern = operation.http.path.split('/')
    if (pattern.length !== parts.length) continue
    const labels: Record<string, string> = {}
    const fits = pattern.every((piece, index) => {
      const given = parts[index] ?? ''
      if (!piece.startsWith('{')) return piece === given
      labels[piece.slice(1, -1)] = decodeURIComponent(given)
      return given !== ''
    })
    if (fits) return { operation, labels }
  }
  return undefined
}

/** @throws ApiError ValidationError when a member is missing or mistyped. */
export function restInput(
  { operation, labels }: RestMatch,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
): JsonObject {
  const input: JsonObject = { ...labels }
  for (const [name, schema] of operation.input.structIterator()) {
    const { httpHeader, httpPayload } = schema.getMergedTraits()
    const given = typeof httpHeader === 'string' ? headers[httpHeader.toLowerCase()] : undefined
    if (typeof given === 'string') input[name] = schema.isNumericSchema() ? number(name, given) : given
    if (httpPayload && body.byteLength > 0) input[name] = body
  }
  try {
    return fromWire(operation.input, input) as JsonObject
  } catch (error) {
    // The runtime's code differs from the control plane's.
    if (error instanceof ApiError) throw new ApiError('ValidationError', error.message)
    throw error
  }
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new ApiError('ValidationError', `${name} is not a number`)
  return value
}

export type RestOutput = { status: number; headers: Record<string, string>; body: Uint8Array }

/** @throws Error when the answer does not fit the SDK's shape. */
export function restOutput(operation: Operation, output: JsonObject): RestOutput {
  const headers: Record<string, string> = {}
  const json: JsonObject = {}
  const known = new Map(operation.output.structIterator())
  let body: Uint8Array | undefined
  for (const [name, value] of Object.entries(output)) {
    const schema = known.get(name)
    if (!schema) throw new Error(`${name} is not in the SDK's output of ${operation.name}`)
    if (value === undefined) continue
    const { httpHeader, httpPayload } = schema.getMergedTraits()
    if (typeof httpHeader === 'string') headers[httpHeader.toLowerCase()] = String(value)
    else if (httpPayload) body = value as Uint8Array
    else json[name] = value
  }
  if (!body) headers['content-type'] = 'application/json'
  return { status: operation.http?.status ?? 200, headers, body: body ?? Buffer.from(JSON.stringify(json)) }
}
