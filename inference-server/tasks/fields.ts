import { Failure } from '../core/errors.ts'
import type { Task } from './task.ts'

/** Fields by the task's schema. @throws Failure InvalidParameters naming each that is wrong */
export function readFields(task: Task, fields: Record<string, unknown>): Record<string, unknown> {
  const parsed = task.fields.safeParse(fields)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  throw new Failure('InvalidParameters', `The parameters of ${task.name} are malformed.`, {
    details: issues
      .slice(0, 10)
      .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message).slice(0, 300)),
  })
}
