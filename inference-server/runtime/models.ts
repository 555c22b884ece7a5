import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'
import { describe, type Onnx, openSession } from './onnx.ts'
import { SAM1_CONTRACT, type Sam1Encoder, sam1Role } from './sam1.ts'

/** The models of one worker. */
export type LoadedModels = {
  encoder: { file: string; session: InferenceSession; kind: Sam1Encoder }
  decoder: { file: string; session: InferenceSession }
}

/** What GET / says of the models. */
export type ModelDescription = {
  family: 'SAM 1'
  files: Record<'encoder' | 'decoder', string>
  encoderInput: Sam1Encoder
}

/**
 * Opens every .onnx file under a directory and gives each its role by the names and ranks of its inputs and outputs.
 * @throws Error that says what was expected and what was found: when a file fits no role, or a role is missing or taken twice.
 */
export async function loadModels(ort: Onnx, directory: string, threads: number): Promise<LoadedModels> {
  const files = await modelFiles(directory)
  if (files.length === 0) throw new Error(`no .onnx file in ${directory}; expected ${SAM1_CONTRACT}`)
  let encoder: LoadedModels['encoder'] | undefined
  let decoder: LoadedModels['decoder'] | undefined
  for (const path of files) {
    const file = relative(directory, path)
    const session = await open(ort, path, file, threads)
    const role = sam1Role(session)
    const taken = role === undefined ? undefined : role === 'decoder' ? decoder : encoder
    if (taken)
      throw new Error(
        `${file} and ${taken.file} are both a SAM 1 ${role === 'decoder' ? role : 'encoder'}; expected one`,
      )
    if (role === undefined) {
      throw new Error(
        `${file} is no model that this server knows; expected ${SAM1_CONTRACT}; found inputs ${describe(session.inputMetadata)}; outputs ${describe(session.outputMetadata)}`,
      )
    }
    if (role === 'decoder') decoder = { file, session }
    else encoder = { file, session, kind: role }
  }
  if (!encoder || !decoder) {
    throw new Error(
      `the SAM 1 ${encoder ? 'decoder' : 'encoder'} is missing in ${directory}; expected ${SAM1_CONTRACT}; found ${files.map((path) => relative(directory, path)).join(', ')}`,
    )
  }
  return { encoder, decoder }
}

/** What to say of loaded models. */
export function describeModels({ encoder, decoder }: LoadedModels): ModelDescription {
  return { family: 'SAM 1', files: { encoder: encoder.file, decoder: decoder.file }, encoderInput: encoder.kind }
}

async function modelFiles(directory: string): Promise<string[]> {
  let entries: Awaited<ReturnType<typeof listAll>>
  try {
    entries = await listAll(directory)
  } catch (cause) {
    throw new Error(`the model directory ${directory} cannot be read`, { cause })
  }
  return entries
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.onnx'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

const listAll = (directory: string) => readdir(directory, { recursive: true, withFileTypes: true })

async function open(ort: Onnx, path: string, file: string, threads: number): Promise<InferenceSession> {
  try {
    return await openSession(ort, path, threads)
  } catch (cause) {
    throw new Error(`${file} is no ONNX model that can be loaded: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}
