import { digest } from '../../core/digest.ts'
import { Failure } from '../../core/errors.ts'
import { readNpy } from '../../formats/npy.ts'
import type { ImageEmbedder } from '../get-embedding/image-embedder.ts'
import type { InputFile, TaskContext } from '../task.ts'
import type { Catalogue } from './catalogue.ts'
import type { Metric } from './graph.ts'
import { MAX_QUERIES } from './schema.ts'
import type { TextEmbedder } from './text-embedder.ts'
import { vectorAt } from './vectors.ts'

/** What a request looks for. */
export type Queries = {
  vectors: readonly Float32Array[]
  /** Several vectors were given, so that several results are wanted. */
  several: boolean
}

export type Given = {
  image: InputFile | undefined
  file: InputFile | undefined
  embedding: readonly unknown[] | undefined
  id: string | number | undefined
  text: string | undefined
}

/** What turns other things than vectors into vectors, where it is there. */
export type Embedders = { image: ImageEmbedder | undefined; text: TextEmbedder | undefined }

/**
 * The vectors that a request gives in one of five ways.
 * @throws Failure InvalidRequest, InvalidParameters, InvalidData
 */
export async function queriesOf(
  given: Given,
  { items, vectors }: Catalogue,
  embedders: Embedders,
  context: TaskContext,
): Promise<Queries> {
  const ways = [given.image, given.file ?? given.embedding, given.id, given.text].filter((way) => way !== undefined)
  if (ways.length !== 1) {
    const missing = ways.length === 0
    throw new Failure(
      missing ? 'InvalidRequest' : 'InvalidParameters',
      `${missing ? 'Nothing is looked for' : 'More than one thing is looked for'}: give one of ${waysOf(embedders)}.`,
    )
  }
  const { image, file, embedding, id, text } = given
  if (image) {
    const { image: embedder } = embedders
    if (!embedder) throw unavailable('image encoder', embedders)
    const key = await digest(image.bytes)
    return one(await embedded(key, () => embedder.embed(image, context), vectors.dimensions, context))
  }
  if (text !== undefined) {
    const { text: embedder } = embedders
    if (!embedder) throw unavailable('text model', embedders)
    return one(await embedded(`text:${text}`, () => embedder.embed(text, context), vectors.dimensions, context))
  }
  if (id !== undefined) {
    const row = items.rowOf(id)
    if (row === undefined)
      throw new Failure('InvalidParameters', `No item has the id ${JSON.stringify(id).slice(0, 80)}.`)
    return one(await vectorAt(vectors, row))
  }
  return file ? ofArray(file, vectors.dimensions) : ofLists(embedding ?? [], vectors.dimensions)
}

/**
 * A query as the top-k graph takes it.
 * @throws Failure InvalidData for a vector of zeros, which has no direction
 */
export function prepared(vector: Float32Array, metric: Metric): Float32Array {
  if (metric !== 'cosine') return vector
  const length = lengthOf(vector)
  if (length === 0) throw new Failure('InvalidData', 'The embedding has only zeros: it is like nothing.')
  return vector.map((value) => value / length)
}

export function lengthOf(vector: Float32Array): number {
  let sum = 0
  for (const value of vector) sum += value * value
  return Math.sqrt(sum)
}

const one = (vector: Float32Array): Queries => ({ vectors: [vector], several: false })

const waysOf = ({ image, text }: Embedders): string =>
  ['"embedding"', '"id"', ...(image ? ['"image"'] : []), ...(text ? ['"text"'] : [])].join(', ')

const unavailable = (what: string, embedders: Embedders): Failure =>
  new Failure('InvalidParameters', `There is no ${what} here: give one of ${waysOf(embedders)}.`)

/** The same is often looked for again with another filter. */
async function embedded(
  key: string,
  embed: () => Promise<Float32Array>,
  dimensions: number,
  context: TaskContext,
): Promise<Float32Array> {
  const vector = await context.cached(`recommend:${key}`, async () => {
    const value = await embed()
    return { value, bytes: value.byteLength + 2 * key.length }
  })
  if (vector.length !== dimensions) {
    throw new Error(`the encoder gives ${vector.length} dimensions, and the catalogue has ${dimensions}`)
  }
  return vector
}

function ofLists(given: readonly unknown[], dimensions: number): Queries {
  const several = Array.isArray(given[0])
  const rows = several ? given : [given]
  checkCount(rows.length)
  const vectors = rows.map((row, at) => {
    const name = several ? `Embedding ${at}` : 'The embedding'
    if (!Array.isArray(row)) throw new Failure('InvalidData', `${name} is no list of numbers.`)
    return checked(row, name, dimensions)
  })
  return { vectors, several }
}

function ofArray({ bytes }: InputFile, dimensions: number): Queries {
  const { dims, data } = readNpy(bytes)
  if (dims.length !== 1 && dims.length !== 2) {
    throw new Failure(
      'InvalidData',
      `The array has ${dims.length} dimensions; give [${dimensions}] or [n, ${dimensions}].`,
    )
  }
  const several = dims.length === 2
  const [rows, columns] = several ? [dims[0] ?? 0, dims[1] ?? 0] : [1, dims[0] ?? 0]
  checkCount(rows)
  const vectors = Array.from({ length: rows }, (_, row) =>
    checked(
      Array.from<unknown>(data.slice(row * columns, (row + 1) * columns)),
      several ? `Embedding ${row}` : 'The embedding',
      dimensions,
    ),
  )
  return { vectors, several }
}

function checkCount(queries: number): void {
  if (queries >= 1 && queries <= MAX_QUERIES) return
  throw new Failure('InvalidData', `There are ${queries} embeddings; give 1 to ${MAX_QUERIES}.`)
}

function checked(values: readonly unknown[], name: string, dimensions: number): Float32Array {
  if (values.length !== dimensions) {
    throw new Failure('InvalidData', `${name} has ${values.length} dimensions; the catalogue has ${dimensions}.`)
  }
  const vector = new Float32Array(dimensions)
  for (const [at, value] of values.entries()) {
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) {
      const shown = typeof value === 'number' ? String(value) : (JSON.stringify(value)?.slice(0, 60) ?? typeof value)
      throw new Failure('InvalidData', `${name}, place ${at}: ${shown} is no number that float32 can hold.`)
    }
    vector[at] = value
  }
  return vector
}
