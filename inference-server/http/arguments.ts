import { z } from 'zod'
import { Failure } from '../core/errors.ts'
import { readFields } from '../tasks/fields.ts'
import type { Bound } from '../tasks/services.ts'
import type { InputFile, Task } from '../tasks/task.ts'
import { decodeBase64, type Invocation } from './body.ts'

/** A task's inputs; what lies in S3 is still to be read. */
export type Arguments = {
  files: Record<string, InputFile | { uri: string }>
  fields: Record<string, unknown>
  /** The prefix under which the caller wants artifacts stored. */
  outputS3: string | undefined
}

/** The task that a request names, in its body, its custom attributes, or its query. */
export function taskOf({ hints, texts, values }: Invocation): unknown {
  return values.task ?? texts.task ?? hints.task
}

const OutputS3 = z.string().max(1100).optional()

/**
 * What a request asks of a task: config.json's defaults, then the query and the custom attributes, then the body.
 * @throws Failure InvalidRequest, InvalidParameters, UnsupportedContentType
 */
export function readArguments(invocation: Invocation, { task, defaults }: Bound): Arguments {
  const { shape } = task.fields
  // Callers choose the names: none may meet what objects inherit.
  const files: Arguments['files'] = Object.create(null)
  const fields: Record<string, unknown> = Object.assign(Object.create(null), defaults)
  const isFile = (name: string) => Object.hasOwn(task.files, name)
  const isField = (name: string) => Object.hasOwn(shape, name)
  let outputS3: unknown

  function text(name: string, value: string, foreign: boolean): void {
    if (name === 'task') return
    if (name === 'output_s3') outputS3 = value
    else if (isFile(name) && !(isField(name) && isJsonLiteral(value))) files[name] = fileOf(name, value)
    else if (isField(name) || !foreign) fields[name] = parseText(isField(name) ? shape[name] : undefined, value)
  }
  for (const [name, value] of Object.entries(invocation.hints)) text(name, value, true)
  for (const [name, value] of Object.entries(invocation.texts)) text(name, value, false)
  for (const [name, value] of Object.entries(invocation.values)) {
    if (name === 'task') continue
    if (name === 'output_s3') outputS3 = value
    else if (isFile(name) && typeof value === 'string') files[name] = fileOf(name, value)
    else if (value !== null || isField(name)) fields[name] = value
  }
  for (const [name, file] of Object.entries(invocation.files)) files[nameOf(task, name, file)] = file

  for (const [name, kind] of Object.entries(task.files)) {
    if (kind.required && !files[name]) {
      throw new Failure('InvalidRequest', `"${name}" is missing: give it in base64, as s3://…, or as the body itself.`)
    }
  }
  const parsedOutput = OutputS3.safeParse(outputS3)
  if (!parsedOutput.success) throw new Failure('InvalidParameters', '"output_s3" is given as s3://bucket/prefix/.')
  return { files, fields: readFields(task, fields), outputS3: parsedOutput.data }
}

function fileOf(name: string, value: string): InputFile | { uri: string } {
  if (value.startsWith('s3://')) return { uri: value }
  const contentType = /^data:([^;,]+)/.exec(value)?.[1]
  return { bytes: decodeBase64(value, name), contentType }
}

/** Text is taken as such where the schema wants text, and else as JSON: `points=[[10,20]]`. */
function parseText(schema: z.core.$ZodType | undefined, text: string): unknown {
  if (schema && z.safeParse(schema, text).success) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const isJsonLiteral = (text: string) => /^\s*[[{]/.test(text)

function nameOf(task: Task, name: string, { contentType }: InputFile): string {
  const names = Object.keys(task.files)
  if (name !== '') {
    if (Object.hasOwn(task.files, name)) return name
    throw new Failure('InvalidRequest', `${task.name} takes no file ${JSON.stringify(name.slice(0, 80))}.`, {
      details: [`files: ${names.join(', ') || 'none'}`],
    })
  }
  const fitting = names.find((each) => contentType && task.files[each]?.mediaTypes.includes(contentType))
  const [first] = names
  if (fitting) return fitting
  if (first && contentType === 'application/octet-stream') return first
  throw new Failure('UnsupportedContentType', `${task.name} does not take ${contentType ?? 'this'} as its body.`, {
    details: [`accepted: ${['application/json', 'multipart/form-data', ...rawTypes(task)].join(', ')}`],
  })
}

/** The content types that a raw body for this task may have. */
export function rawTypes(task: Task): string[] {
  const kinds = Object.values(task.files)
  if (kinds.length === 0) return []
  return [...new Set([...kinds.flatMap(({ mediaTypes }) => mediaTypes), 'application/octet-stream'])]
}
