import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import {
  type Catalogue,
  catalogueGraph,
  readCatalogue,
} from '../../../../inference-server/tasks/recommend/catalogue.ts'
import { conditionsOf, Filter } from '../../../../inference-server/tasks/recommend/filter.ts'
import { type Metric, TOP_K } from '../../../../inference-server/tasks/recommend/graph.ts'
import { vectorAt } from '../../../../inference-server/tasks/recommend/vectors.ts'
import { maskOf } from '../../../../inference-server/tasks/recommend/work.ts'

/** Made by inference-server/references/catalogue.py: catalogues, and the nearest items by NumPy in float64. */
const FIXTURES = fileURLToPath(new URL('../../fixtures/catalogue', import.meta.url))

type Nearest = { rows: number[][]; scores: number[][] }
type Expected = {
  queries: number[][]
  nearest: Record<Metric, Nearest>
  half: Nearest
  filtered: Nearest
  items: ({ id: string } & Record<string, unknown>)[]
}
const expected: Expected = JSON.parse(await readFile(join(FIXTURES, 'expected.json'), 'utf8'))
const K = 12

async function read(name: string): Promise<Catalogue> {
  const catalogue = await readCatalogue(join(FIXTURES, name))
  if (!catalogue) throw new Error(`there is no catalogue in ${name}`)
  return catalogue
}

async function search(catalogue: Catalogue, metric: Metric, filter: Filter = {}): Promise<Nearest> {
  const session = await InferenceSession.create(await catalogueGraph(catalogue, metric, K), {
    extra: { session: { model_external_initializers_file_folder_path: catalogue.vectors.folder } },
  })
  const lengths = expected.queries.map((query) => (metric === 'cosine' ? Math.hypot(...query) : 1))
  const query = Float32Array.from(expected.queries.flatMap((row, at) => row.map((value) => value / (lengths[at] ?? 1))))
  const { mask } = maskOf(catalogue.items.count, conditionsOf(catalogue.items, Filter.parse(filter)), [])
  const masks = new Uint8Array(expected.queries.length * mask.length)
  for (let at = 0; at < masks.length; at += mask.length) masks.set(mask, at)
  const rows = expected.queries.length
  const outputs = await session.run({
    [TOP_K.query]: new Tensor('float32', query, [rows, catalogue.vectors.dimensions]),
    [TOP_K.mask]: new Tensor('bool', masks, [rows, mask.length]),
  })
  const [indices, scores] = [outputs[TOP_K.indices]?.data, outputs[TOP_K.scores]?.data]
  const rowsOf = (data: unknown) =>
    expected.queries.map((_, row) => Array.from(data as ArrayLike<number>, Number).slice(row * K, (row + 1) * K))
  return { rows: rowsOf(indices), scores: rowsOf(scores) }
}

const largestDifference = (a: number[][], b: number[][]) => {
  const other = b.flat()
  return Math.max(...a.flat().map((value, at) => Math.abs(value - (other[at] ?? 0))))
}

const FORMS = ['npy', 'npy-json', 'double-fortran-csv', 'parquet', 'parquet-zstd', 'npy-parquet-gzip']

for (const name of FORMS) {
  test(`the nearest items of ${name} are those that NumPy finds, of equals the first`, async (t) => {
    const found = await search(await read(name), 'cosine')
    t.deepEqual(found.rows, expected.nearest.cosine.rows)
    t.true(largestDifference(found.scores, expected.nearest.cosine.scores) < 1e-6)
    t.deepEqual(found.rows[0]?.slice(0, 2), [3, 40], 'two items have the same vector')
  })
}

test('vectors of 16 bits', async (t) => {
  const found = await search(await read('half-jsonl'), 'cosine')
  t.deepEqual(found.rows, expected.half.rows)
  t.true(largestDifference(found.scores, expected.half.scores) < 1e-6)
})

test('the dot product', async (t) => {
  const found = await search(await read('npy'), 'dot')
  t.deepEqual(found.rows, expected.nearest.dot.rows)
  t.true(largestDifference(found.scores, expected.nearest.dot.scores) < 1e-5)
})

test('the euclidean distance', async (t) => {
  const found = await search(await read('npy'), 'euclidean')
  t.deepEqual(found.rows, expected.nearest.euclidean.rows)
  const distances = found.scores.map((row, at) => {
    const square = (expected.queries[at] ?? []).reduce((sum, value) => sum + value * value, 0)
    return row.map((score) => -Math.sqrt(Math.max(0, square - score)))
  })
  // The root of a difference of squares: near zero it has half of float32's digits.
  t.true(largestDifference(distances, expected.nearest.euclidean.scores) < 3e-3)
})

for (const name of FORMS.filter((form) => form !== 'npy')) {
  test(`the items of ${name} have what their file says, and are found by it`, async (t) => {
    const catalogue = await read(name)
    const csv = name.endsWith('csv')
    for (const { id, ...fields } of expected.items) {
      const row = catalogue.items.rowOf(id)
      if (row === undefined) return t.fail(`there is no ${id}`)
      // CSV has neither lists nor truths.
      const said = csv
        ? { colour: fields.colour, price: fields.price, in_stock: fields.in_stock ? 'True' : 'False' }
        : fields
      t.deepEqual(catalogue.items.metadata(row), said as Record<string, unknown>)
    }
    const found = await search(catalogue, 'cosine', {
      colour: 'red',
      price: { gte: 10, lt: 50 },
      in_stock: csv ? ['True'] : true,
    })
    const allowed = found.rows.map((row, at) => row.filter((_, place) => Number.isFinite(found.scores[at]?.[place])))
    const wanted = expected.filtered.rows
    t.deepEqual(allowed, wanted)
    t.true(wanted[0] !== undefined && wanted[0].length > 3)
  })
}

test('the vector of an item, in either order of the file', async (t) => {
  const [rows, columns] = [await read('npy'), await read('double-fortran-csv')]
  for (const item of [0, 3, 299]) t.deepEqual(await vectorAt(rows.vectors, item), await vectorAt(columns.vectors, item))
  t.deepEqual(Array.from(await vectorAt(rows.vectors, 3)), expected.queries[0])
})
