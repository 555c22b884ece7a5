import { NormalizedSchema } from '@smithy/core/schema'
import { ApiError, type JsonObject } from '../service.ts'

/**
 * The AWS SDK ships the shapes of every operation; what the local cloud takes and gives is held against them. A drift between us and
 * the SDK is an error here rather than a silence.
 */

/** One operation as the SDK describes it. */
export type Operation = {
  name: string
  input: NormalizedSchema
  output: NormalizedSchema
  http: HttpBinding | undefined
}
export type HttpBinding = { method: string; path: string; status: number }

/** Reads the operations out of an SDK client's module: its schemas are exports whose first element is 9. */
export function operationsOf(sdk: object): Map<string, Operation> {
  const found = new Map<string, Operation>()
  for (const schema of Object.values(sdk)) {
    if (!Array.isArray(schema) || schema[0] !== OPERATION) continue
    const [, , name, traits, input, output] = schema as [number, string, string, unknown, never, never]
    found.set(name, {
      name,
      input: NormalizedSchema.of(input),
      output: NormalizedSchema.of(output),
      http: httpBinding(traits),
    })
  }
  return found
}

const OPERATION = 9

function httpBinding(traits: unknown): HttpBinding | undefined {
  const http = typeof traits === 'object' && traits !== null ? (traits as { http?: unknown }).http : undefined
  if (!Array.isArray(http)) return undefined
  const [method, path, status] = http as [string, string, number]
  return { method, path, status }
}

/**
 * Turns a JSON value of the wire into the SDK's form: Dates and byte arrays.
 * @throws ApiError SerializationException for a wrong type, ValidationException for a missing or unknown member.
 */
export function fromWire(schema: NormalizedSchema, value: unknown, path = ''): unknown {
  if (value === null || value === undefined) return undefined
  if (schema.isStructSchema()) {
    const members = expectRecord(value, path)
    const known = memberSchemas(schema)
    const result: JsonObject = {}
    for (const [name, member] of Object.entries(members)) {
      const memberSchema = known.get(name)
      if (!memberSchema) throw new ApiError('ValidationException', `Unknown parameter in input: "${join(path, name)}"`)
      const decoded = fromWire(memberSchema, member, join(path, name))
      if (decoded !== undefined) result[name] = decoded
    }
    requireMembers(schema, result, path)
    return result
  }
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw mistyped(path, 'a list')
    return value.map((item, index) => fromWire(schema.getValueSchema(), item, `${path}[${index}]`))
  }
  if (schema.isMapSchema()) {
    const entries = Object.entries(expectRecord(value, path))
    return Object.fromEntries(
      entries.map(([key, item]) => [key, fromWire(schema.getValueSchema(), item, join(path, key))]),
    )
  }
  return scalarFromWire(schema, value, path)
}

function scalarFromWire(schema: NormalizedSchema, value: unknown, path: string): unknown {
  if (schema.isTimestampSchema()) {
    if (typeof value !== 'number' && typeof value !== 'string') throw mistyped(path, 'a timestamp')
    return new Date(typeof value === 'number' ? value * 1000 : value)
  }
  if (schema.isBlobSchema()) {
    if (value instanceof Uint8Array) return value
    if (typeof value !== 'string') throw mistyped(path, 'a base64 string')
    return new Uint8Array(Buffer.from(value, 'base64'))
  }
  const expected = scalarType(schema)
  if (expected && typeof value !== expected) throw mistyped(path, `a ${expected}`)
  return value
}

/**
 * Turns a handler's answer into JSON for the wire.
 * @throws Error naming what does not fit the SDK's shape: a fault of the local cloud, not of the caller.
 */
export function toWire(schema: NormalizedSchema, value: unknown, path = 'output'): unknown {
  if (value === null || value === undefined) return undefined
  if (schema.isUnitSchema()) return {}
  if (schema.isStructSchema()) {
    const known = memberSchemas(schema)
    const result: JsonObject = {}
    for (const [name, member] of Object.entries(value as JsonObject)) {
      if (member === undefined) continue
      const memberSchema = known.get(name)
      if (!memberSchema) throw new Error(`${path}.${name} is not in the SDK's ${schema.getName()}`)
      result[name] = toWire(memberSchema, member, `${path}.${name}`)
    }
    return result
  }
  if (schema.isListSchema()) {
    return (value as unknown[]).map((item, index) => toWire(schema.getValueSchema(), item, `${path}[${index}]`))
  }
  if (schema.isMapSchema()) {
    const entries = Object.entries(value as JsonObject)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, toWire(schema.getValueSchema(), item, `${path}.${key}`)]),
    )
  }
  if (schema.isTimestampSchema()) return (value as Date).getTime() / 1000
  if (schema.isBlobSchema()) return Buffer.from(value as Uint8Array).toString('base64')
  const expected = scalarType(schema)
  if (expected && typeof value !== expected)
    throw new Error(`${path} is a ${typeof value}, the SDK's shape has a ${expected}`)
  return value
}

function memberSchemas(schema: NormalizedSchema): Map<string, NormalizedSchema> {
  return new Map(schema.isUnitSchema() ? [] : schema.structIterator())
}

/** A structure's required members come first; their number is the schema's seventh element. */
function requireMembers(schema: NormalizedSchema, value: JsonObject, path: string): void {
  const raw = schema.getSchema() as unknown as unknown[]
  const names = Array.isArray(raw[4]) ? (raw[4] as string[]) : []
  for (const name of names.slice(0, typeof raw[6] === 'number' ? raw[6] : 0)) {
    if (value[name] !== undefined) continue
    const member = `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`
    throw new ApiError(
      'ValidationException',
      `1 validation error detected: Value null at '${join(path, member)}' failed to satisfy constraint: Member must not be null`,
    )
  }
}

function scalarType(schema: NormalizedSchema): 'string' | 'boolean' | 'number' | undefined {
  if (schema.isStringSchema()) return 'string'
  if (schema.isBooleanSchema()) return 'boolean'
  return schema.isNumericSchema() ? 'number' : undefined
}

function expectRecord(value: unknown, path: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mistyped(path, 'a structure')
  return value as JsonObject
}

function mistyped(path: string, expected: string): ApiError {
  return new ApiError('SerializationException', `${path || 'The input'} is not ${expected}`)
}

function join(path: string, name: string): string {
  return path ? `${path}.${name}` : name
}
