import Negotiator from 'negotiator'
import { Failure } from '../core/errors.ts'
import type { Form, Task, TaskAnswer } from '../tasks/task.ts'

const JSON_TYPE = 'application/json'

/** A body to send. */
export type Body = { contentType: string; payload: Buffer | object }

/**
 * Which content type the caller wants, of those that a task can give; JSON where any will do. Asked before the work is done.
 * @throws Failure NotAcceptable
 */
export function negotiate(accept: string | undefined, task: Task): string {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === JSON_TYPE) return JSON_TYPE
  const offered = [JSON_TYPE, ...Object.values(task.artifacts).flatMap(({ contentTypes }) => contentTypes)]
  const chosen = new Negotiator({ headers: { accept } }).mediaType(offered)
  if (chosen) return chosen
  throw new Failure('NotAcceptable', `${task.name} cannot answer in ${accept.slice(0, 100)}.`, {
    details: [`it can in ${[...new Set(offered)].join(', ')}`],
  })
}

/** The form of an answer that has this content type. @throws Failure NotAcceptable when this answer has none */
export function formOf(answer: TaskAnswer, contentType: string): Form | undefined {
  if (contentType === JSON_TYPE) return undefined
  for (const { forms } of Object.values(answer.artifacts ?? {})) {
    const form = forms.find((each) => each.contentType === contentType)
    if (form) return form
  }
  throw new Failure('NotAcceptable', `This request has no answer in ${contentType}: it asks for nothing of that type.`)
}

/** The JSON answer: fields, and each artifact in base64, or where `store` put it. */
export async function jsonOf(
  task: string,
  answer: TaskAnswer,
  store?: (form: Form, body: Uint8Array) => Promise<string>,
): Promise<Record<string, unknown>> {
  const json: Record<string, unknown> = { task, ...answer.fields }
  for (const [name, artifact] of Object.entries(answer.artifacts ?? {})) {
    if (artifact.inJson === false && !store) continue
    const [form] = artifact.forms
    const body = await form.body()
    if (store) json[`${name}_s3`] = await store(form, body)
    else json[name] = asBuffer(body).toString('base64')
  }
  return json
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
