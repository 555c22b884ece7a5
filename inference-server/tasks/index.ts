import { detectRoomsTask } from './detect-rooms/index.ts'
import { generate3d } from './generate-3d/index.ts'
import { getEmbedding } from './get-embedding/index.ts'
import { predict } from './predict/index.ts'
import { recommend } from './recommend/index.ts'
import { segment } from './segment/index.ts'
import type { Task } from './task.ts'

/** Every task that the server knows. */
export const TASKS: readonly Task[] = [segment, getEmbedding, generate3d, detectRoomsTask, recommend, predict]
