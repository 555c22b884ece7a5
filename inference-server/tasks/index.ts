import { Failure } from '../core/errors.ts'
import { getEmbedding } from './get-embedding/index.ts'
import { segment } from './segment/index.ts'
import type { Task } from './task.ts'

const TASKS: readonly Task[] = [segment, getEmbedding]

export const TASK_NAMES: readonly string[] = TASKS.map((task) => task.name)

/** The task of that name. @throws Failure UnknownTask */
export function taskNamed(name: unknown): Task {
  const task = TASKS.find((each) => each.name === name)
  if (task) return task
  const given = name === undefined ? 'No task is named' : `There is no task ${JSON.stringify(name)?.slice(0, 80)}`
  throw new Failure(
    'UnknownTask',
    `${given}: give "task" in the body, or task=… in X-Amzn-SageMaker-Custom-Attributes.`,
    {
      details: [`tasks: ${TASK_NAMES.join(', ')}`],
    },
  )
}
