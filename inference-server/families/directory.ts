import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import type { ModelSpec } from '../runtime/model.ts'

/** What `config.json` in the model directory may say; no known model needs one. */
const DirectoryConfig = z.strictObject({
  models: z
    .array(z.string().min(1).max(1024))
    .max(64)
    .optional()
    .describe('The .onnx files to load, relative to the directory; all of them otherwise.'),
  tasks: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe('By task: its settings, and under `defaults` what requests do not say themselves.'),
})

export type DirectoryConfig = z.output<typeof DirectoryConfig>

export type ModelDirectory = { path: string; specs: ModelSpec[]; config: DirectoryConfig }

/** SageMaker's toolkit keeps scripts there: never models. */
const CODE = 'code'
const CONFIG = 'config.json'

/**
 * Lists the models of a directory, folders included but for `code/`, and reads its config.json.
 * @throws Error when it cannot be read, the configuration is malformed, names a file that is not there, or nothing is there at all.
 */
export async function readModelDirectory(path: string): Promise<ModelDirectory> {
  const [{ files, catalogue }, config] = await Promise.all([listFiles(path), readConfig(path)])
  const missing = config?.models?.find((file) => !files.includes(file))
  if (missing !== undefined) {
    throw new Error(`${CONFIG} names ${missing}, which is not in ${path}; found ${files.join(', ') || 'no .onnx file'}`)
  }
  const chosen = config?.models ?? files
  if (chosen.length === 0 && !config && !catalogue) {
    throw new Error(
      `there is no .onnx file and no ${CONFIG} in ${path}: put models there, or a ${CONFIG} for tasks without any`,
    )
  }
  return {
    path,
    config: config ?? { tasks: {} },
    specs: chosen.map((file) => ({ file, path: join(path, file) })),
  }
}

async function listFiles(directory: string): Promise<{ files: string[]; catalogue: boolean }> {
  let entries: Awaited<ReturnType<typeof listAll>>
  try {
    entries = await listAll(directory)
  } catch (cause) {
    throw new Error(`the model directory ${directory} cannot be read`, { cause })
  }
  const all = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
  return {
    files: all.filter((file) => file.endsWith('.onnx') && !file.startsWith(`${CODE}/`)).sort(),
    // Vectors and items alone can be served: the graph that searches them is made.
    catalogue: all.some((file) => file.startsWith('catalogue.')),
  }
}

const listAll = (directory: string) => readdir(directory, { recursive: true, withFileTypes: true })

async function readConfig(directory: string): Promise<DirectoryConfig | undefined> {
  let text: string
  try {
    text = await readFile(join(directory, CONFIG), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`${CONFIG} cannot be read`, { cause: error })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${CONFIG} is no JSON: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
  // Model archives of other tools have a config.json of their own, such as transformers': it is not ours to judge.
  if (typeof json === 'object' && json !== null && !('models' in json) && !('tasks' in json)) return { tasks: {} }
  const parsed = DirectoryConfig.safeParse(json)
  if (!parsed.success) {
    throw new Error(
      `${CONFIG} is malformed: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
    )
  }
  return parsed.data
}
