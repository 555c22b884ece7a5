import { Failure } from '../../core/errors.ts'
import { NPY_MEDIA_TYPE } from '../../formats/npy.ts'
import type { Model } from '../../runtime/model.ts'
import { workModule } from '../../runtime/offload.ts'
import { floatsOf } from '../../runtime/tensors.ts'
import { exampleImage } from '../example-image.ts'
import { imageEmbedder } from '../get-embedding/image-embedder.ts'
import { defineTask, IMAGE_FILE, type TaskContext } from '../task.ts'
import { type Catalogue, catalogueGraph, readCatalogue } from './catalogue.ts'
import { conditionsOf, type Filter } from './filter.ts'
import { type Metric, TOP_K } from './graph.ts'
import type { Items } from './items.ts'
import { lengthOf, prepared, queriesOf } from './query.ts'
import { Answer, DEFAULT_K, Fields, Settings } from './schema.ts'
import { textEmbedder } from './text-embedder.ts'
import { maskOf } from './work.ts'

const work = workModule<typeof import('./work.ts')>(new URL('./work.ts', import.meta.url))

/** Cells of a filter that are compared faster than handed to another thread. */
const MAX_INLINE_CELLS = 20_000

/** The mask of a query that any item may answer. */
const EVERYTHING = new Uint8Array(new SharedArrayBuffer(1)).fill(1)

export const recommend = defineTask({
  name: 'recommend',
  summary: 'The items of a catalogue that are most like a picture, a text, a vector, or one of themselves.',
  files: {
    image: {
      ...IMAGE_FILE,
      required: false,
      description: 'A picture, where there is an image encoder beside the catalogue.',
    },
    embedding: {
      mediaTypes: [NPY_MEDIA_TYPE],
      required: false,
      description: 'A NumPy array: a vector, or a matrix with a vector in each row.',
    },
  },
  fields: Fields,
  answer: Answer,
  artifacts: {},
  settings: Settings,
  async bind({ models, settings, open }) {
    const catalogue = await readCatalogue(models.directory)
    if (!catalogue) return undefined
    const { metric, max_top_k: maxK } = Settings.parse(settings)
    const { items, vectors, files } = catalogue
    const embedders = { image: await imageEmbedder(models), text: await textEmbedder(models) }
    const towers = [embedders.image, embedders.text].filter((tower) => tower !== undefined)
    for (const { model, dimension = vectors.dimensions } of towers) {
      if (dimension === vectors.dimensions) continue
      throw new Error(
        `${model.file} gives vectors of ${dimension} dimensions, and ${files.join(' and ')} have ${vectors.dimensions}`,
      )
    }
    const found = Math.min(maxK, items.count)
    const topK = await open({
      file: files.join(' + '),
      bytes: await catalogueGraph(catalogue, metric, found),
      externalDataFolder: vectors.folder,
    })
    return {
      models: [topK, ...towers.map(({ model }) => model)],
      async example() {
        if (embedders.image) return { files: { image: await exampleImage() }, fields: {} }
        if (embedders.text) return { fields: { text: 'something' } }
        return { fields: { embedding: new Array<number>(vectors.dimensions).fill(1) } }
      },
      async perform({ files: { image, embedding: file }, fields }, context) {
        const {
          embedding,
          id,
          text,
          top_k: k = Math.min(DEFAULT_K, maxK),
          filter = {},
          exclude = [],
          min_score: minimum,
          metadata,
        } = fields
        if (k > maxK) throw new Failure('InvalidParameters', `"top_k" is ${k}; at most ${maxK} items are given here.`)
        const queries = await queriesOf({ image, file, embedding, id, text }, catalogue, embedders, context)
        const leftOut = rowsOf(items, id === undefined ? exclude : [...exclude, id])
        // A few that are left out are found and dropped, which spares a mask of the whole catalogue.
        const simple = Object.keys(filter).length === 0 && k + leftOut.size <= found
        const { mask, count } = simple
          ? { mask: EVERYTHING, count: items.count - leftOut.size }
          : await filtered(catalogue, filter, leftOut, context)
        const limits = { k: Math.min(k, count), leftOut, minimum: minimum ?? Number.NEGATIVE_INFINITY }
        const nearest = await Promise.all(
          queries.vectors.map((vector) => search(topK, metric, vector, mask, limits, context)),
        )
        const results = nearest.map((neighbours) => ({
          recommendations: neighbours.map(({ row, score }) => ({
            id: items.ids[row] ?? row,
            score,
            ...(metadata === false ? {} : { metadata: items.metadata(row, metadata === true ? undefined : metadata) }),
          })),
        }))
        return {
          fields: {
            ...(queries.several ? { results } : results[0]),
            metric,
            items: items.count,
            candidates: count,
          },
        }
      },
    }
  },
})

/** The rows of the items that are there. */
const rowsOf = (items: Items, ids: readonly (string | number)[]): ReadonlySet<number> =>
  new Set(ids.map((id) => items.rowOf(id)).filter((row) => row !== undefined))

/** Which items may be given, kept for the next request with the same filter. @throws Failure InvalidParameters */
function filtered(
  { items }: Catalogue,
  filter: Filter,
  leftOut: ReadonlySet<number>,
  context: TaskContext,
): Promise<{ mask: Uint8Array; count: number }> {
  const key = `recommend:${JSON.stringify([filter, ...leftOut])}`
  return context.cached(key, async () => {
    const conditions = conditionsOf(items, filter)
    const rows = [...leftOut]
    const value =
      items.count * (conditions.length + 1) <= MAX_INLINE_CELLS
        ? maskOf(items.count, conditions, rows)
        : await context.offload(work, 'maskOf', [items.count, conditions, rows], { phase: 'preprocess' })
    return { value, bytes: items.count + 2 * key.length }
  })
}

/** The nearest items of one query. Those of several requests share one matrix product. */
async function search(
  topK: Model,
  metric: Metric,
  vector: Float32Array,
  mask: Uint8Array,
  { k, leftOut, minimum }: { k: number; leftOut: ReadonlySet<number>; minimum: number },
  context: TaskContext,
): Promise<{ row: number; score: number }[]> {
  const query = prepared(vector, metric)
  if (k === 0) return []
  const outputs = await context.run(
    topK,
    {
      [TOP_K.query]: { type: 'float32', dims: [1, query.length], data: query },
      [TOP_K.mask]: { type: 'bool', dims: [1, mask.length], data: mask },
    },
    // The catalogue is read once however many queries share the run: of a million items, one takes 200 ms, 32 take 70 ms each.
    { batch: 'together', keep: true },
  )
  const scores = floatsOf(outputs, TOP_K.scores).data
  const rows = outputs[TOP_K.indices]?.data ?? []
  const square = metric === 'euclidean' ? lengthOf(vector) ** 2 : 0
  const found: { row: number; score: number }[] = []
  for (let at = 0; at < scores.length && found.length < k; at++) {
    const compared = scores[at] ?? Number.NEGATIVE_INFINITY
    // The graph knows only what differs between items: the distance needs the query's own part too.
    const score = metric === 'euclidean' ? -Math.sqrt(Math.max(0, square - compared)) : compared
    if (compared === Number.NEGATIVE_INFINITY || score < minimum) break
    const row = Number(rows[at] ?? 0)
    if (!leftOut.has(row)) found.push({ row, score })
  }
  return found
}
