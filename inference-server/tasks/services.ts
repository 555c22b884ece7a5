import { z } from 'zod'
import { Failure } from '../core/errors.ts'
import type { DirectoryConfig } from '../families/directory.ts'
import type { Models } from '../families/family.ts'
import type { Model, ModelSpec } from '../runtime/model.ts'
import type { Service, Task } from './task.ts'

/** A task that this server serves. */
export type Bound = {
  task: Task
  service: Service<Record<string, unknown>>
  /** Fields that requests need not say. */
  defaults: Readonly<Record<string, unknown>>
}

export type Services = {
  /** By name. */
  all: ReadonlyMap<string, Bound>
  /** The task of that name; the only one there is when none is named. @throws Failure UnknownTask */
  named(name: unknown): Bound
}

/**
 * Binds every task to the models that are there.
 * @throws Error when config.json speaks of a task that does not exist or cannot be served, when its settings are wrong, or
 *   when nothing can be served.
 */
export async function bindTasks(
  tasks: readonly Task[],
  models: Models,
  config: DirectoryConfig,
  open: (spec: ModelSpec) => Promise<Model>,
): Promise<Services> {
  const all = new Map<string, Bound>()
  for (const name of Object.keys(config.tasks)) {
    if (!tasks.some((task) => task.name === name)) {
      throw new Error(`config.json configures ${name}; there are ${tasks.map((task) => task.name).join(', ')}`)
    }
  }
  for (const task of tasks) {
    const { defaults, ...settings } = readSettings(task, config.tasks[task.name] ?? {})
    const service = await task.bind({ models, configured: task.name in config.tasks, settings, open })
    if (service) all.set(task.name, { task, service, defaults })
    else if (task.name in config.tasks) {
      throw new Error(`config.json configures ${task.name}, whose models are not in ${models.directory}`)
    }
  }
  if (all.size === 0) throw new Error(`no task can be served with what is in ${models.directory}`)
  return { all, named: (name) => named(all, name) }
}

function readSettings(task: Task, given: Record<string, unknown>) {
  const schema = z.strictObject({
    ...task.settings?.shape,
    defaults: z.strictObject(task.fields.shape).partial().default({}),
  })
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new Error(`config.json, ${task.name}: ${wrong.join('; ')}`)
  }
  const { defaults: _, ...settings } = parsed.data
  // As they were written: the task's own schema reads them again together with each request's fields.
  return { ...settings, defaults: (given.defaults ?? {}) as Record<string, unknown> }
}

function named(all: ReadonlyMap<string, Bound>, name: unknown): Bound {
  const names = [...all.keys()]
  const [only] = all.values()
  if (name === undefined && only && all.size === 1) return only
  const found = typeof name === 'string' ? all.get(name) : undefined
  if (found) return found
  const given = name === undefined ? 'No task is named' : `There is no task ${JSON.stringify(name)?.slice(0, 80)}`
  throw new Failure(
    'UnknownTask',
    `${given}: give "task" in the body, in the query, or as task=… in X-Amzn-SageMaker-Custom-Attributes.`,
    { details: [`tasks: ${names.join(', ')}`] },
  )
}
