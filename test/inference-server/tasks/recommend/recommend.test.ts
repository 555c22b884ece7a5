import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { writeNpy } from '../../../../inference-server/formats/npy.ts'
import { initializer, modelFile, node, valueInfo } from '../../../../inference-server/formats/onnx.ts'
import { Answer } from '../../../../inference-server/tasks/recommend/schema.ts'
import { photo, realApp } from '../../fixtures/world.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/catalogue', import.meta.url))
const DIMENSIONS = 24
type Nearest = { rows: number[][]; scores: number[][] }
const expected: { queries: number[][]; nearest: Record<string, Nearest>; filtered: Nearest } = JSON.parse(
  await readFile(join(FIXTURES, 'expected.json'), 'utf8'),
)
const [query = []] = expected.queries
const rowsOf = (answer: { id: string }[]) => answer.map(({ id }) => Number(id.slice(-3)))

type Files = Record<string, string | Uint8Array | object>

/** A server of a fixture's catalogue, or of none, with further files. */
async function serving(t: ExecutionContext, name: string | undefined, files: Files = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'recommend-'))
  if (name) await cp(join(FIXTURES, name), directory, { recursive: true })
  else await mkdir(directory, { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    const bytes = typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content)
    await writeFile(join(directory, file), bytes)
  }
  const server = realApp(directory, { requests: 1000 })
  t.teardown(async () => {
    await server.close()
    await rm(directory, { recursive: true })
  })
  return {
    load: () => server.load(),
    async asked(payload: object | Buffer, headers: Record<string, string> = {}, params = '') {
      const response = await server.http.inject({ method: 'POST', url: `/invocations${params}`, payload, headers })
      return { status: response.statusCode, json: response.json() }
    },
  }
}

async function ready(t: ExecutionContext, name: string, files: Files = {}) {
  const server = await serving(t, name, files)
  await server.load()
  return server
}

/** An encoder of pictures: the mean of each channel, times a matrix. */
function encoderGraph(dimensions: number): Uint8Array {
  const weights = Float32Array.from({ length: 3 * dimensions }, (_, at) => Math.sin(at + 1))
  return modelFile({
    name: 'encoder',
    inputs: [valueInfo('pixel_values', 'float32', ['batch', 3, 32, 32])],
    outputs: [valueInfo('image_embeds', 'float32', ['batch', dimensions])],
    nodes: [
      node('GlobalAveragePool', ['pixel_values'], ['pooled']),
      node('Flatten', ['pooled'], ['channels']),
      node('MatMul', ['channels', 'weights'], ['image_embeds']),
    ],
    initializers: [
      initializer({ name: 'weights', type: 'float32', dims: [3, dimensions], data: new Uint8Array(weights.buffer) }),
    ],
  })
}

test('requests that cannot be answered say why', async (t) => {
  const { asked } = await ready(t, 'npy-json')
  const vector = query
  const cases: [object, RegExp, number, string][] = [
    [{}, /Nothing is looked for/, 400, 'InvalidRequest'],
    [{ embedding: vector, id: 'item-001' }, /More than one thing/, 422, 'InvalidParameters'],
    [
      { image: Buffer.from('x').toString('base64') },
      /no image encoder here: give one of "embedding", "id"\./,
      422,
      'InvalidParameters',
    ],
    [{ text: 'a shirt' }, /no text model/, 422, 'InvalidParameters'],
    [{ id: 'nobody' }, /No item has the id "nobody"/, 422, 'InvalidParameters'],
    [{ embedding: [1, 2] }, /2 dimensions; the catalogue has 24/, 422, 'InvalidData'],
    [{ embedding: [vector, [1]] }, /Embedding 1 has 1 dimensions/, 422, 'InvalidData'],
    [{ embedding: [vector, 1] }, /Embedding 1 is no list/, 422, 'InvalidData'],
    [{ embedding: vector.with(3, 1e39) }, /place 3: 1e\+39 is no number/, 422, 'InvalidData'],
    [{ embedding: ['a', ...vector.slice(1)] }, /place 0: "a" is no number/, 422, 'InvalidData'],
    [{ embedding: vector.map(() => 0) }, /only zeros/, 422, 'InvalidData'],
    [{ embedding: Array.from({ length: 33 }, () => vector) }, /33 embeddings; give 1 to 32/, 422, 'InvalidData'],
    [{ embedding: Buffer.from('no array').toString('base64') }, /NumPy/, 400, 'InvalidRequest'],
    [{ embedding: vector, top_k: 0 }, /top_k: /, 422, 'InvalidParameters'],
    [{ embedding: vector, top_k: 101 }, /at most 100/, 422, 'InvalidParameters'],
    [
      { embedding: vector, filter: { weight: 3 } },
      /"weight", which no item has.*fields: colour, price/,
      422,
      'InvalidParameters',
    ],
    [{ embedding: vector, filter: { tags: 'new' } }, /holds lists or objects/, 422, 'InvalidParameters'],
    [{ embedding: vector, filter: { colour: { gt: 3 } } }, /holds words/, 422, 'InvalidParameters'],
    [{ embedding: vector, filter: { price: { about: 3 } } }, /filter.price/, 422, 'InvalidParameters'],
    [{ embedding: vector, filter: { price: [] } }, /filter.price/, 422, 'InvalidParameters'],
    [{ embedding: vector, colour: 'red' }, /colour/, 422, 'InvalidParameters'],
  ]
  for (const [payload, message, status, code] of cases) {
    const { status: found, json } = await asked(payload)
    t.is(found, status, JSON.stringify(payload).slice(0, 100))
    t.is(json.error.code, code)
    t.regex(`${json.error.message} ${json.error.details ?? ''}`, message)
  }
})

test('the nearest items, with what is known of them', async (t) => {
  const { asked } = await ready(t, 'npy-json')
  const { status, json } = await asked({ embedding: query, top_k: 12 })
  t.is(status, 200)
  const { task, ...answer } = json
  t.is(task, 'recommend')
  Answer.parse(answer)
  t.deepEqual(rowsOf(answer.recommendations), expected.nearest.cosine?.rows[0])
  t.deepEqual(Object.keys(answer.recommendations[0].metadata), ['colour', 'price', 'in_stock', 'tags'])
  t.like(answer, { metric: 'cosine', items: 300, candidates: 300 })
  t.is((await asked({ embedding: query })).json.recommendations.length, 10)
})

test('several vectors at once, as lists or as an array, and each request its own', async (t) => {
  const { asked } = await ready(t, 'parquet')
  const lists = await asked({ embedding: expected.queries, top_k: 12, metadata: false })
  const wanted = expected.nearest.cosine?.rows
  t.deepEqual(
    lists.json.results.map((each: { recommendations: { id: string }[] }) => rowsOf(each.recommendations)),
    wanted,
  )
  const npy = writeNpy({
    type: 'float32',
    dims: [expected.queries.length, DIMENSIONS],
    data: Float32Array.from(expected.queries.flat()),
  })
  const array = await asked(Buffer.from(npy), { 'content-type': 'application/x-npy' }, '?top_k=12&metadata=false')
  t.deepEqual(array.json, lists.json)
  const apart = await Promise.all(expected.queries.map((embedding) => asked({ embedding, top_k: 12 })))
  t.deepEqual(
    apart.map(({ json }) => rowsOf(json.recommendations)),
    wanted,
  )
})

test('a filter leaves only what fits, however little', async (t) => {
  const { asked } = await ready(t, 'npy-json')
  const filter = { colour: 'red', price: { gte: 10, lt: 50 }, in_stock: true }
  const { json } = await asked({ embedding: query, top_k: 50, filter })
  t.deepEqual(rowsOf(json.recommendations), expected.filtered.rows[0])
  t.is(json.candidates, expected.filtered.rows[0]?.length)
  const nothing = await asked({ embedding: query, filter: { price: { gt: 1000 } } })
  t.deepEqual(nothing.json.recommendations, [])
  t.is(nothing.json.candidates, 0)
})

test('filters by one of several values, by what is not, and on items without a value', async (t) => {
  const { asked } = await ready(t, 'npy-json')
  const count = async (filter: object) => (await asked({ embedding: query, filter })).json.candidates
  const items: { colour: string | null; price: number | null }[] = JSON.parse(
    await readFile(join(FIXTURES, 'npy-json/catalogue.json'), 'utf8'),
  )
  const fitting = (fits: (item: (typeof items)[number]) => boolean) => items.filter(fits).length
  t.is(
    await count({ colour: ['red', 'blue'] }),
    fitting(({ colour }) => colour === 'red' || colour === 'blue'),
  )
  t.is(
    await count({ colour: { not: 'red' } }),
    fitting(({ colour }) => colour !== 'red'),
  )
  t.is(
    await count({ colour: { not: ['red', 'blue'] } }),
    fitting(({ colour }) => colour === null || colour === 'green'),
  )
  t.is(await count({ colour: 'no colour' }), 0)
  t.is(
    await count({ price: { lte: 50 } }),
    fitting(({ price }) => price !== null && price <= 50),
  )
  const [, { price } = { price: 0 }] = items
  t.is(
    await count({ price: price ?? 0 }),
    fitting((item) => item.price === price),
  )
  t.is(
    await count({ price: { not: price ?? 0 } }),
    fitting((item) => item.price !== price),
  )
})

test('items like one of the catalogue, without itself and without others', async (t) => {
  const { asked } = await ready(t, 'npy-json')
  const all = expected.nearest.cosine?.rows[0] ?? []
  t.is(all[0], 3)
  const { json } = await asked({ id: 'item-003', top_k: 5 })
  t.deepEqual(rowsOf(json.recommendations), all.slice(1, 6))
  const without = await asked({ id: 'item-003', top_k: 4, exclude: ['item-040', 'nobody'] })
  t.deepEqual(rowsOf(without.json.recommendations), all.slice(2, 6))
})

test('a least score, and chosen fields', async (t) => {
  const { asked } = await ready(t, 'npy-json')
  const scores = expected.nearest.cosine?.scores[0] ?? []
  const { json } = await asked({
    embedding: query,
    min_score: ((scores[3] ?? 0) + (scores[4] ?? 0)) / 2,
    metadata: ['price'],
  })
  t.is(json.recommendations.length, 4)
  for (const { metadata } of json.recommendations) t.deepEqual(Object.keys(metadata), ['price'])
})

test('config.json chooses the metric and how many items may be asked for', async (t) => {
  for (const metric of ['dot', 'euclidean']) {
    const { asked } = await ready(t, 'npy', { 'config.json': { tasks: { recommend: { metric, max_top_k: 12 } } } })
    for (const [at, embedding] of expected.queries.entries()) {
      const { json } = await asked({ embedding, top_k: 12 })
      const wanted = expected.nearest[metric]
      t.deepEqual(
        json.recommendations.map(({ id }: { id: number }) => id),
        wanted?.rows[at],
      )
      for (const [place, { score }] of json.recommendations.entries()) {
        t.true(Math.abs(score - (wanted?.scores[at]?.[place] ?? 0)) < 3e-3)
      }
    }
    t.is((await asked({ embedding: query, top_k: 13 })).status, 422)
  }
})

test('a picture goes through the encoder that is there', async (t) => {
  const { asked } = await ready(t, 'npy-json', { 'vision.onnx': encoderGraph(DIMENSIONS) })
  const image = (await photo()).toString('base64')
  const embedded = await asked({ task: 'get_embedding', image })
  const byVector = await asked({ task: 'recommend', embedding: embedded.json.embedding, top_k: 5 })
  const byImage = await asked({ task: 'recommend', image, top_k: 5 })
  t.is(byImage.status, 200)
  t.deepEqual(rowsOf(byImage.json.recommendations), rowsOf(byVector.json.recommendations))
  const raw = await asked(await photo(), { 'content-type': 'image/jpeg' }, '?task=recommend&top_k=5')
  t.deepEqual(raw.json, byImage.json)
})

const TEXT = fileURLToPath(new URL('../../fixtures/clip-text', import.meta.url))
const TOKENIZER = fileURLToPath(new URL('../../fixtures/clip-tokenizer', import.meta.url))

test('a text goes through the text model and its tokenizer, as transformers’ own does', async (t) => {
  const { asked } = await ready(t, 'npy-json', {
    'text_model.onnx': await readFile(join(TEXT, 'text_model.onnx')),
    'tokenizer.json': await readFile(join(TOKENIZER, 'tokenizer.json')),
  })
  const references: { text: string; text_embeds: number[] }[] = JSON.parse(
    await readFile(join(TEXT, 'expected.json'), 'utf8'),
  )
  for (const { text, text_embeds } of references.filter((each) => each.text !== '')) {
    const byText = await asked({ text, top_k: 8, metadata: false })
    const byVector = await asked({ embedding: text_embeds, top_k: 8, metadata: false })
    t.is(byText.status, 200, JSON.stringify(byText.json))
    t.deepEqual(rowsOf(byText.json.recommendations), rowsOf(byVector.json.recommendations))
    for (const [place, { score }] of byText.json.recommendations.entries()) {
      t.true(Math.abs(score - byVector.json.recommendations[place].score) < 1e-5)
    }
  }
})

const vectors = (rows: number, data = new Float32Array(rows * 2).fill(1)) =>
  writeNpy({ type: 'float32', dims: [rows, 2], data })
const stops = test.macro(async (t, files: Files, message: RegExp, name?: string) => {
  const server = await serving(t, name, files)
  await t.throwsAsync(server.load(), { message })
})

test(
  'an encoder of other dimensions',
  stops,
  { 'vision.onnx': encoderGraph(7) },
  /vision.onnx gives vectors of 7 dimensions/,
  'npy-json',
)
test(
  'as many vectors as items',
  stops,
  { 'catalogue.npy': vectors(2), 'catalogue.json': ['a'] },
  /1 items, and catalogue.npy 2 vectors/,
)
test('an id twice', stops, { 'catalogue.npy': vectors(2), 'catalogue.json': ['a', 'a'] }, /two items have the id "a"/)
test(
  'an item without an id',
  stops,
  { 'catalogue.npy': vectors(1), 'catalogue.json': [{ name: 'a' }] },
  /no "id"; found name/,
)
test(
  'an id that is a list',
  stops,
  { 'catalogue.npy': vectors(1), 'catalogue.json': [{ id: [1] }] },
  /id of item 0 is neither/,
)
test(
  'an item that is none',
  stops,
  { 'catalogue.npy': vectors(1), 'catalogue.json': [null] },
  /item 0 is neither an object nor an id/,
)
test('JSON that is no list', stops, { 'catalogue.npy': vectors(1), 'catalogue.json': {} }, /no list of items/)
test('a line that is no JSON', stops, { 'catalogue.npy': vectors(1), 'catalogue.jsonl': '"a"\nb' }, /line 2 is no JSON/)
test('a file that is no Parquet', stops, { 'catalogue.parquet': 'nothing' }, /catalogue.parquet: /)
test(
  'items without vectors anywhere',
  stops,
  { 'catalogue.json': [{ id: 1 }] },
  /no catalogue.npy, and the items have no field embedding/,
)
test(
  'items of which one has no vector',
  stops,
  { 'catalogue.json': [{ id: 1, embedding: [1, 2] }, { id: 2 }] },
  /vector of item 1 is no list of 2 numbers/,
)
test(
  'two lists of items',
  stops,
  { 'catalogue.npy': vectors(1), 'catalogue.json': ['a'], 'catalogue.csv': 'id\na' },
  /both list the items/,
)
test(
  'a vector with infinity',
  stops,
  { 'catalogue.npy': vectors(2, Float32Array.of(1, 1, 1, Infinity)) },
  /vector of item 1 has a value/,
)
test(
  'an array of one dimension',
  stops,
  { 'catalogue.npy': writeNpy({ type: 'float32', dims: [2], data: new Float32Array(2) }) },
  /shape \(2\); expected/,
)
test(
  'an array of integers',
  stops,
  { 'catalogue.npy': writeNpy({ type: 'int32', dims: [1, 2], data: new Int32Array(2) }) },
  /type <i4/,
)
test(
  'an array that is cut off',
  stops,
  { 'catalogue.npy': vectors(2).subarray(0, -4) },
  /promises 16 bytes of values, and 12/,
)

test('a catalogue too large to be filtered on the event loop is filtered in another thread', async (t) => {
  const count = 30_000
  const data = Float32Array.from({ length: count * 2 }, (_, at) => (at % 2 === 0 ? 1 : Math.floor(at / 2) / count))
  const server = await serving(t, undefined, {
    'catalogue.npy': vectors(count, data),
    'catalogue.csv': `id,half,rank\n${Array.from({ length: count }, (_, id) => `${id},${id % 2 ? 'odd' : 'even'},${id}`).join('\n')}`,
  })
  await server.load()
  const { json } = await server.asked({ embedding: [1, 0], top_k: 3, filter: { half: 'odd', rank: { gte: 1000 } } })
  t.deepEqual(
    json.recommendations.map(({ id }: { id: string }) => id),
    ['1001', '1003', '1005'],
  )
  t.is(json.candidates, 14_500)
})

test('items may have their vectors themselves', async (t) => {
  const server = await serving(t, undefined, {
    'catalogue.jsonl': [
      [1, 0],
      [0, 1],
      [1, 1],
    ]
      .map((vector, id) => JSON.stringify({ id, vector }))
      .join('\n'),
  })
  await server.load()
  const { json } = await server.asked({ embedding: [0.1, 1], top_k: 2 })
  t.deepEqual(
    json.recommendations.map(({ id }: { id: number }) => id),
    [1, 2],
  )
  for (const id of [1, '1']) t.is((await server.asked({ id, top_k: 1 })).json.recommendations[0].id, 2)
})
