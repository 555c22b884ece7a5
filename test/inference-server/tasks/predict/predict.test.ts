import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { readNpy, writeNpy } from '../../../../inference-server/formats/npy.ts'
import { initializer, modelFile, node, valueInfo } from '../../../../inference-server/formats/onnx.ts'
import { Answer } from '../../../../inference-server/tasks/predict/schema.ts'
import { realApp } from '../../fixtures/world.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/tabular', import.meta.url))
type Expected = { rows: (number | string)[][]; predictions: (number | string)[]; probabilities?: number[][] }
const expectedOf = async (name: string): Promise<Expected> =>
  JSON.parse(await readFile(join(FIXTURES, `${name}.json`), 'utf8'))

/** A server of one fixture. */
async function serving(t: ExecutionContext, name: string, config?: object, bytes?: (model: Buffer) => Uint8Array) {
  const directory = await mkdtemp(join(tmpdir(), 'predict-'))
  if (bytes) await writeFile(join(directory, 'model.onnx'), bytes(await readFile(join(FIXTURES, `${name}.onnx`))))
  else await copyFile(join(FIXTURES, `${name}.onnx`), join(directory, 'model.onnx'))
  if (config) await writeFile(join(directory, 'config.json'), JSON.stringify({ tasks: { predict: config } }))
  const server = realApp(directory, { requests: 1000 })
  t.teardown(async () => {
    await server.close()
    await rm(directory, { recursive: true })
  })
  return {
    load: () => server.load(),
    async asked(payload: object | Buffer | string, headers: Record<string, string> = {}, query = '') {
      const response = await server.http.inject({ method: 'POST', url: `/invocations${query}`, payload, headers })
      return { status: response.statusCode, response, json: () => response.json() }
    },
  }
}

async function ready(t: ExecutionContext, name: string, config?: object) {
  const server = await serving(t, name, config)
  await server.load()
  return server
}

const close = (t: ExecutionContext, actual: number[][], expected: number[][] = []) => {
  t.is(actual.length, expected.length)
  for (const [row, values] of actual.entries()) {
    for (const [at, value] of values.entries()) t.true(Math.abs(value - (expected[row]?.[at] ?? Number.NaN)) < 2e-6)
  }
}

test('requests that cannot be answered say why', async (t) => {
  const { asked } = await ready(t, 'iris-zipmap')
  const csv = { 'content-type': 'text/csv' }
  const cases: [object | string, RegExp, number, string, Record<string, string>?][] = [
    [{}, /"data" is missing/, 400, 'InvalidRequest'],
    [{ data: [] }, /data: /, 422, 'InvalidParameters'],
    [{ data: 5 }, /data: /, 422, 'InvalidParameters'],
    [{ data: [[1, 2, 3]] }, /Row 0 has 3 columns; the model takes 4/, 422, 'InvalidData'],
    [{ data: [[1, 2, 3, '4']] }, /Row 0, column 3: "4" is not a number/, 422, 'InvalidData'],
    [{ data: [[1, 2, 3, null]] }, /no number for row 0.*missing/, 422, 'InvalidData'],
    [{ data: [{ a: 1 }] }, /does not name its columns/, 422, 'InvalidData'],
    [{ data: [[1, 2, 3, 4]], rows: 1 }, /rows/, 422, 'InvalidParameters'],
    [{ data: 'bm8gdGFibGU=' }, /no cells/, 422, 'InvalidData'],
    ['5.1,3.5,1.4\n', /3 columns/, 422, 'InvalidData', csv],
    ['a,b,c,d\n', /no cells/, 422, 'InvalidData', csv],
    ['\x93NUMPY', /no NumPy array/, 400, 'InvalidRequest', { 'content-type': 'application/x-npy' }],
    ['{}', /./, 415, 'UnsupportedContentType', { 'content-type': 'image/jpeg' }],
  ]
  for (const [payload, message, status, code, headers] of cases) {
    const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
    const answer = await asked(body, headers)
    const { error } = answer.json()
    t.is(answer.status, status, JSON.stringify(payload))
    t.is(error.code, code)
    t.regex(`${error.message} ${error.details ?? ''}`, message)
  }
})

test('a category that the model does not know is the caller’s mistake', async (t) => {
  const { asked } = await ready(t, 'price-columns')
  const answer = await asked({ data: [['violet', 3, 20]] })
  t.is(answer.status, 422)
  t.is(answer.json().error.code, 'InvalidData')
  t.regex(answer.json().error.message, /category/)
})

test('skl2onnx’s default export, with ZipMap, gives all probabilities', async (t) => {
  const { asked } = await ready(t, 'iris-zipmap')
  const expected = await expectedOf('iris-zipmap')
  const { status, json } = await asked({ data: expected.rows })
  t.is(status, 200)
  const { task, ...answer } = json()
  t.is(task, 'predict')
  Answer.parse(answer)
  t.deepEqual(answer.predictions, expected.predictions)
  t.deepEqual(answer.classes, [0, 1, 2])
  t.deepEqual(answer.class_indices, expected.predictions)
  close(t, answer.probabilities, expected.probabilities)
  t.is(answer.confidence_scores[0], answer.probabilities[0][answer.class_indices[0]])
})

test('one row without the outer list is one row', async (t) => {
  const { asked } = await ready(t, 'iris-tensors')
  const { predictions } = (await asked({ data: [5.1, 3.5, 1.4, 0.2] })).json()
  t.deepEqual(predictions, [0])
})

test('CSV, NumPy, base64 and multipart give what JSON gives', async (t) => {
  const { asked } = await ready(t, 'iris-zipmap')
  const { rows } = await expectedOf('iris-zipmap')
  const json = (await asked({ data: rows })).json()
  const csv = rows.map((row) => row.join(',')).join('\n')
  const npy = writeNpy({ type: 'float64', dims: [rows.length, 4], data: Float64Array.from(rows.flat().map(Number)) })
  const part = (type: string, body: string) =>
    `--xx\r\ncontent-disposition: form-data; name="data"; filename="t"\r\ncontent-type: ${type}\r\n\r\n${body}\r\n--xx--\r\n`
  const same = [
    await asked(csv, { 'content-type': 'text/csv' }),
    await asked(`a,b,c,d\n${csv}`, { 'content-type': 'text/csv; charset=utf-8' }),
    await asked(`9,9,9,9\n${csv}`, { 'content-type': 'text/csv' }, '?header=present'),
    await asked(Buffer.from(npy), { 'content-type': 'application/x-npy' }),
    await asked({ data: Buffer.from(npy).toString('base64') }),
    await asked({ data: `data:text/csv;base64,${Buffer.from(csv).toString('base64')}` }),
    await asked(part('text/csv', csv), { 'content-type': 'multipart/form-data; boundary=xx' }),
  ]
  for (const answer of same) t.deepEqual(answer.json(), json)
})

test('a CSV too large for the event loop is read in another thread', async (t) => {
  const { asked } = await ready(t, 'iris-tensors')
  const csv = 'sepal,b,c,d\n'.concat('5.1,3.5,1.4,0.2\n6.3,2.5,5,1.9\n'.repeat(5000))
  const answer = await asked(csv, { 'content-type': 'text/csv' })
  const { predictions } = answer.json()
  t.is(predictions.length, 10_000)
  t.deepEqual(predictions.slice(-2), [0, 2])
  const wrong = await asked(`${csv}5.1,3.5,1.4,x\n`, { 'content-type': 'text/csv' })
  t.is(wrong.status, 422)
  t.regex(wrong.json().error.message, /Row 10000, column 3: "x"/)
})

test('a JSON table of many rows is read in turns, and says which row is wrong', async (t) => {
  const { asked } = await ready(t, 'iris-tensors')
  const rows = Array.from({ length: 30_000 }, (_, row) => (row % 2 === 0 ? [5.1, 3.5, 1.4, 0.2] : [6.3, 2.5, 5, 1.9]))
  const { predictions } = (await asked({ data: rows })).json()
  t.is(predictions.length, 30_000)
  t.true(predictions.every((prediction: number, row: number) => prediction === (row % 2) * 2))
  const wrong = await asked({ data: rows.with(29_999, [1, 2, 3]) })
  t.is(wrong.status, 422)
  t.regex(wrong.json().error.message, /Row 29999 has 3 columns/)
})

test('Accept chooses CSV without a header, or the predictions as a NumPy array', async (t) => {
  const { asked } = await ready(t, 'wine-strings-zipmap')
  const { rows, predictions, probabilities = [] } = await expectedOf('wine-strings-zipmap')
  const csv = await asked({ data: rows }, { accept: 'text/csv' })
  t.regex(String(csv.response.headers['content-type']), /^text\/csv/)
  const lines = csv.response.body.trimEnd().split('\r\n')
  t.deepEqual(
    lines.map((line) => line.split(',')[0]),
    predictions,
  )
  close(
    t,
    lines.map((line) => line.split(',').slice(1).map(Number)),
    probabilities,
  )
  const npy = await asked({ data: rows }, { accept: 'application/x-npy' })
  t.deepEqual(readNpy(npy.response.rawPayload), { type: 'string', dims: [rows.length], data: predictions as string[] })
})

test('each column has its own input, and rows may be objects', async (t) => {
  const { asked } = await ready(t, 'price-columns')
  const expected = await expectedOf('price-columns')
  const objects = expected.rows.map(([colour, size, weight]) => ({ weight, colour, size }))
  for (const data of [expected.rows, objects]) {
    const answer = (await asked({ data })).json()
    t.deepEqual(answer.predictions, expected.predictions)
    close(t, answer.probabilities, expected.probabilities)
  }
  const csv = `weight,colour,size\n${objects.map((row) => `${row.weight},${row.colour},${row.size}`).join('\n')}`
  const answer = (await asked(csv, { 'content-type': 'text/csv' })).json()
  t.deepEqual(answer.predictions, expected.predictions)
})

test('a model exported for four rows at a time takes any number', async (t) => {
  const { asked } = await ready(t, 'iris-batch-of-four')
  const expected = await expectedOf('iris-batch-of-four')
  for (const count of [1, 4, 6]) {
    const answer = (await asked({ data: expected.rows.slice(0, count) })).json()
    t.deepEqual(answer.predictions, expected.predictions.slice(0, count))
    close(t, answer.probabilities, expected.probabilities?.slice(0, count))
  }
})

test('requests at the same time share runs, and each gets its own rows', async (t) => {
  const { asked } = await ready(t, 'cancer-lightgbm-zipmap')
  const expected = await expectedOf('cancer-lightgbm-zipmap')
  const picks = Array.from({ length: 60 }, (_, at) => at % expected.rows.length)
  const answers = await Promise.all(picks.map((row) => asked({ data: [expected.rows[row] ?? []] })))
  for (const [at, answer] of answers.entries()) {
    t.deepEqual(answer.json().predictions, [expected.predictions[picks[at] ?? 0]])
    close(t, answer.json().probabilities, [expected.probabilities?.[picks[at] ?? 0] ?? []])
  }
})

test('a regressor gives values', async (t) => {
  const { asked } = await ready(t, 'diabetes-forest')
  const expected = await expectedOf('diabetes-forest')
  const answer = (await asked({ data: expected.rows })).json()
  for (const [row, value] of answer.predictions.entries()) {
    t.true(Math.abs(value - Number(expected.predictions[row])) < 1e-3)
  }
  t.is(answer.probabilities, undefined)
  const npy = await asked({ data: expected.rows }, { accept: 'application/x-npy' })
  t.deepEqual(readNpy(npy.response.rawPayload).dims, [expected.rows.length])
})

test('a network that gives probabilities alone has the best class predicted', async (t) => {
  const weights = Float32Array.of(1, 0, 0, 1)
  const network = modelFile({
    name: 'network',
    inputs: [valueInfo('x', 'float32', ['n', 2])],
    outputs: [valueInfo('probabilities', 'float32', ['n', 2])],
    nodes: [node('MatMul', ['x', 'weights'], ['logits']), node('Softmax', ['logits'], ['probabilities'], { axis: 1 })],
    initializers: [
      initializer({ name: 'weights', type: 'float32', dims: [2, 2], data: new Uint8Array(weights.buffer) }),
    ],
  })
  for (const classes of [undefined, ['no', 'yes']]) {
    const server = await serving(t, 'iris-tensors', classes && { classes }, () => network)
    await server.load()
    const answer = (
      await server.asked({
        data: [
          [0, 2],
          [3, 1],
        ],
      })
    ).json()
    t.deepEqual(answer.predictions, classes ? ['yes', 'no'] : [1, 0])
    t.deepEqual(answer.class_indices, [1, 0])
    close(t, [answer.confidence_scores], [[1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(-2))]])
  }
})

test('config.json names the columns and the classes, and gives an example', async (t) => {
  const columns = ['sl', 'sw', 'pl', 'pw']
  const { asked } = await ready(t, 'iris-double', {
    columns,
    classes: ['setosa', 'versicolor', 'virginica'],
    example: [5, 3, 1, 0],
  })
  const answer = (await asked({ data: [{ pw: 0.2, pl: 1.4, sw: 3.5, sl: 5.1 }] })).json()
  t.deepEqual(answer.classes, ['setosa', 'versicolor', 'virginica'])
  t.deepEqual(answer.class_indices, [0])
})

test('names for other columns than the model has stop the server', async (t) => {
  const server = await serving(t, 'iris-tensors', { columns: ['a', 'b'] })
  await t.throwsAsync(server.load(), { message: /4 columns, and "columns" names 2/ })
})

test('an example that the model refuses stops the server', async (t) => {
  const server = await serving(t, 'price-columns', { example: ['violet', 1, 1] })
  await t.throwsAsync(server.load(), { message: /predict failed on its own example/ })
})

test('a damaged model stops the server', async (t) => {
  const server = await serving(t, 'iris-zipmap', undefined, (model) => model.subarray(0, 300))
  await t.throwsAsync(server.load(), { message: /model.onnx/ })
})
