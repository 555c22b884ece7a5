import type { Lru } from '../core/lru.ts'
import type { Phases } from '../core/phases.ts'
import type { Size } from '../images/decode.ts'
import type { Embedding, Operations } from '../runtime/operations.ts'
import type { Pool, RunOptions } from '../runtime/pool.ts'

/** What every task may use. */
export type TaskDependencies = {
  pool: Pool<Operations>
  /** Embeddings by the SHA-256 of the encoded image. */
  embeddings: Lru<EmbeddedImage>
  maxImagePixels: number
}

/** An image that went through the encoder. */
export type EmbeddedImage = { embedding: Embedding; original: Size }

/** One request, freed of HTTP. */
export type TaskRequest = {
  /** The image file's bytes. */
  image: Uint8Array
  /** The request's other fields, not yet checked. */
  fields: Readonly<Record<string, unknown>>
  phases: Phases
  run: Pick<RunOptions, 'deadline' | 'departed'>
}

/** Each task answers in JSON and in one binary form. */
export type TaskAnswer = {
  json: () => Promise<object> | object
  binary: { contentType: string; body: () => Promise<Uint8Array> | Uint8Array }
}

/** A task knows its fields and what it does; it is registered in tasks/index.ts. */
export type Task = {
  name: string
  perform(request: TaskRequest, dependencies: TaskDependencies): Promise<TaskAnswer>
}
