import test from 'ava'
import { z } from 'zod'
import { float32, floatsOf } from '../../../inference-server/runtime/tensors.ts'
import { defineTask } from '../../../inference-server/tasks/task.ts'
import { realApp } from '../fixtures/world.ts'

/** A task that says what reached it: the ways in and out are the same for all. */
const mirror = defineTask({
  name: 'mirror',
  summary: 'Says what it was given.',
  files: {
    picture: { mediaTypes: ['image/png'], required: true, description: 'Any bytes.' },
    table: { mediaTypes: ['text/csv'], required: false, description: 'Rows.' },
  },
  fields: z.strictObject({
    text: z.string().max(100).optional(),
    number: z.number().optional(),
    table: z.array(z.number()).max(10).optional(),
  }),
  answer: z.strictObject({ saw: z.unknown() }),
  artifacts: {
    copy: { description: 'The picture.', contentTypes: ['image/png', 'application/x-copy'] },
    note: { description: 'Said by the JSON already.', contentTypes: ['text/plain'] },
  },
  bind: () => ({
    models: [],
    example: () => ({ files: { picture: { bytes: Uint8Array.of(1) } }, fields: {} }),
    async perform({ files, fields }) {
      const saw = {
        fields,
        files: Object.fromEntries(
          Object.entries(files).map(([name, { bytes, contentType }]) => [
            name,
            `${Buffer.from(bytes).toString()} (${contentType ?? 'unsaid'})`,
          ]),
        ),
      }
      const bytes = files.picture?.bytes ?? new Uint8Array()
      return {
        fields: { saw },
        artifacts: {
          copy: {
            forms: [
              { contentType: 'image/png', suffix: '_copy.png', body: () => bytes },
              { contentType: 'application/x-copy', suffix: '_copy.bin', body: () => Buffer.concat([bytes, bytes]) },
            ],
          },
          note: {
            inJson: false,
            forms: [{ contentType: 'text/plain', suffix: '.txt', body: () => Buffer.from('noted') }],
          },
        },
      }
    },
  }),
})

/** The sum of a list, by the stranger's graph: only there so that something runs. */
const other = defineTask({
  name: 'other',
  summary: 'Takes no file.',
  files: {},
  fields: z.strictObject({ numbers: z.array(z.number()).max(3) }),
  answer: z.strictObject({ first: z.number() }),
  artifacts: {},
  bind: () => ({
    models: [],
    example: () => ({ fields: { numbers: [1] } }),
    perform: async ({ fields }) => ({
      fields: { first: floatsOf({ x: float32([1], fields.numbers) }, 'x').data[0] ?? 0 },
    }),
  }),
})

const families = [
  { name: 'any', contract: 'anything', part: ({ inputs }: { inputs: readonly { name: string }[] }) => inputs[0]?.name },
]
const app = realApp(undefined, { requests: 1000, bodyBytes: 100_000 }, { tasks: [mirror, other], families })
test.before(() => app.load())
test.after.always(() => app.close())

const post = (request: object) => app.http.inject({ method: 'POST', url: '/invocations', ...request })
const base64 = (text: string) => Buffer.from(text).toString('base64')
const saw = async (request: object) => {
  const response = await post(request)
  return response.statusCode === 200 ? response.json().saw : response.json().error
}

/** A multipart body as browsers and curl write it. */
function form(parts: { name: string; value: string; file?: string; type?: string }[]): object {
  const body = parts.map(
    ({ name, value, file, type }) =>
      `--line\r\nContent-Disposition: form-data; name="${name}"${file ? `; filename="${file}"` : ''}\r\n` +
      `${type ? `Content-Type: ${type}\r\n` : ''}\r\n${value}\r\n`,
  )
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=line' },
    payload: `${body.join('')}--line--\r\n`,
  }
}

test('JSON: a file is base64 or a data: URL, a field of a file’s name is what is no text', async (t) => {
  t.deepEqual(await saw({ payload: { task: 'mirror', picture: base64('bytes'), table: [1, 2], text: 'hello' } }), {
    fields: { table: [1, 2], text: 'hello' },
    files: { picture: 'bytes (unsaid)' },
  })
  const dataUrl = `data:image/png;base64,${base64('bytes')}`
  t.deepEqual((await saw({ payload: { task: 'mirror', picture: dataUrl, table: base64('1,2') } })).files, {
    picture: 'bytes (image/png)',
    table: '1,2 (unsaid)',
  })
})

test('multipart: files and fields by name, values in JSON where the schema wants no text', async (t) => {
  const request = form([
    { name: 'task', value: 'mirror' },
    { name: 'picture', value: 'bytes', file: 'a.png', type: 'image/png' },
    { name: 'text', value: '42' },
    { name: 'number', value: '42' },
    { name: 'table', value: '[3]' },
  ])
  t.deepEqual(await saw(request), {
    fields: { text: '42', number: 42, table: [3] },
    files: { picture: 'bytes (image/png)' },
  })
})

test('a raw body is the file of its content type; task and fields come from the query or the custom attributes', async (t) => {
  const png = { headers: { 'content-type': 'image/png' }, payload: 'bytes' }
  t.deepEqual(await saw({ ...png, url: '/invocations?task=mirror&number=7&utm=x' }), {
    fields: { number: 7 },
    files: { picture: 'bytes (image/png)' },
  })
  const attributes = { 'x-amzn-sagemaker-custom-attributes': 'task=mirror;text=a=b;c000b4f9-df62' }
  t.deepEqual(await saw({ ...png, headers: { ...png.headers, ...attributes } }), {
    fields: { text: 'a=b' },
    files: { picture: 'bytes (image/png)' },
  })
  const octets = { headers: { 'content-type': 'application/octet-stream' }, payload: 'bytes' }
  t.like(await saw({ ...octets, url: '/invocations?task=mirror' }), {
    files: { picture: 'bytes (application/octet-stream)' },
  })
})

test('the body goes before the attributes, and these before the query', async (t) => {
  const headers = { 'x-amzn-sagemaker-custom-attributes': 'text=attribute;number=2' }
  const answer = await saw({
    url: '/invocations?task=mirror&text=query&number=1&table=[9]',
    headers,
    payload: { picture: base64('x'), text: 'body' },
  })
  t.deepEqual(answer.fields, { text: 'body', number: 2, table: [9] })
})

const refused = test.macro(async (t, request: object, status: number, code: string, message: RegExp) => {
  const response = await post(request)
  const { error } = response.json()
  t.is(response.statusCode, status, response.body)
  t.is(error.code, code)
  t.regex(`${error.message} ${error.details ?? ''}`, message)
})
const json = (fields: object, headers = {}) => ({
  payload: { task: 'mirror', picture: base64('x'), ...fields },
  headers,
})

test('a field that no task knows', refused, json({ txet: 'x' }), 422, 'InvalidParameters', /txet/)
test(
  'a raw body for a task without files',
  refused,
  { url: '/invocations?task=other', headers: { 'content-type': 'image/png' }, payload: 'x' },
  415,
  'UnsupportedContentType',
  /other does not take image\/png.*application\/json/,
)
test(
  'a multipart file that the task has not',
  refused,
  form([
    { name: 'task', value: 'mirror' },
    { name: 'film', value: 'x', file: 'f' },
  ]),
  400,
  'InvalidRequest',
  /no file "film".*picture, table/,
)
test(
  'a multipart body that breaks off',
  refused,
  {
    headers: { 'content-type': 'multipart/form-data; boundary=line' },
    payload: '--line\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\nbyt',
  },
  400,
  'InvalidRequest',
  /malformed/,
)
test(
  'more multipart files than any task takes',
  refused,
  form(Array.from({ length: 9 }, (_, at) => ({ name: `f${at}`, value: 'x', file: 'f' }))),
  413,
  'BodyTooLarge',
  /too many files/,
)
test(
  'a multipart body without a boundary',
  refused,
  { headers: { 'content-type': 'multipart/form-data' }, payload: 'x' },
  400,
  'InvalidRequest',
  /malformed/,
)
test(
  'multipart parts that are too much together',
  refused,
  form(Array.from({ length: 5 }, (_, at) => ({ name: `p${at}`, value: 'x'.repeat(30_000) }))),
  413,
  'BodyTooLarge',
  /too large/,
)
test(
  'JSON nested deeper than any request',
  refused,
  {
    headers: { 'content-type': 'application/json' },
    payload: `{"task":"mirror","table":${'['.repeat(5000)}${']'.repeat(5000)}}`,
  },
  400,
  'InvalidRequest',
  /nested/,
)
test('no task where there are two', refused, { payload: { picture: base64('x') } }, 400, 'UnknownTask', /mirror, other/)
test(
  'a type that the task cannot answer in',
  refused,
  json({}, { accept: 'video/mp4' }),
  406,
  'NotAcceptable',
  /application\/json, image\/png/,
)
test(
  'an S3 input where none is allowed',
  refused,
  json({ picture: 's3://bucket/key' }),
  403,
  'S3Denied',
  /MOORING_S3_INPUTS/,
)
test(
  'an S3 output where none is allowed, before any work',
  refused,
  json({ output_s3: 's3://bucket/out/' }),
  403,
  'S3Denied',
  /MOORING_S3_OUTPUTS/,
)
test(
  'an S3 location that is none',
  refused,
  json({ picture: 's3://B/../x' }),
  400,
  'InvalidRequest',
  /s3:\/\/bucket\/key/,
)

test('Accept chooses an artifact’s form by preference; JSON holds those that it does not say otherwise', async (t) => {
  const accept = async (value: string) => {
    const response = await post(json({}, { accept: value }))
    return `${response.headers['content-type']} ${response.body}`
  }
  t.is(await accept('image/png'), 'image/png x')
  t.is(await accept('application/x-copy;q=0.9, image/png;q=0.1'), 'application/x-copy xx')
  t.is(await accept('text/plain'), 'text/plain noted')
  t.is(await accept('image/*;q=0.5, text/plain;q=0.1'), 'image/png x')
  const inJson = (await post(json({}, { accept: 'text/html, */*;q=0.8' }))).json()
  t.is(inJson.copy, base64('x'))
  t.false('note' in inJson)
})

test('every answer says how long its phases took', async (t) => {
  const response = await post(json({}))
  t.regex(String(response.headers['server-timing']), /^(\w+;dur=[\d.]+(, )?)*$/)
})

test('the OpenAPI document is made of the schemas: a field that may be a file is either', async (t) => {
  const document = (await app.http.inject('/openapi.json')).json()
  const { properties, required, additionalProperties } = document.components.schemas['mirror.request']
  t.deepEqual(properties.task, { const: 'mirror' })
  t.deepEqual(required, ['task', 'picture'])
  t.false(additionalProperties)
  t.deepEqual(
    properties.table.anyOf.map(({ type }: { type: string }) => type),
    ['array', 'string'],
  )
  t.deepEqual(Object.keys(document.paths['/invocations'].post.responses[200].content), [
    'application/json',
    'image/png',
    'application/x-copy',
    'text/plain',
  ])
})
