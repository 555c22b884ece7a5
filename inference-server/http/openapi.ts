import { z } from 'zod'
import type { Task } from '../tasks/task.ts'
import { rawTypes } from './arguments.ts'

type Schema = Record<string, unknown>

const OUTPUT_S3: Schema = {
  type: 'string',
  description: 'Artifacts are stored under this s3://bucket/prefix/, and named in the answer as <name>_s3.',
}

const ERROR: Schema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'requestId'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        details: { type: 'array', items: { type: 'string' } },
        requestId: { type: 'string' },
      },
    },
  },
}

/** The OpenAPI 3.1 document of a server with these tasks, made of the schemas that check its requests. */
export function openApi(tasks: readonly Task[]): Schema {
  const schemas: Record<string, Schema> = { error: ERROR }
  for (const task of tasks) {
    schemas[`${task.name}.request`] = requestSchema(task)
    schemas[`${task.name}.answer`] = answerSchema(task)
  }
  const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })
  const requests = { oneOf: tasks.map(({ name }) => reference(`${name}.request`)) }
  const artifacts = tasks.flatMap((task) => Object.values(task.artifacts).flatMap(({ contentTypes }) => contentTypes))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mooring inference server',
      version: '1',
      description: tasks.map(({ name, summary }) => `${name}: ${summary}`).join('\n'),
    },
    paths: {
      '/ping': { get: { responses: { 200: { description: 'Ready.' }, 503: { description: 'Not ready.' } } } },
      '/invocations': {
        post: {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: requests },
              'multipart/form-data': { schema: requests },
              ...binary(tasks.flatMap(rawTypes)),
            },
          },
          parameters: parameters(tasks),
          responses: {
            200: {
              description: 'The answer, in JSON or as the artifact that Accept names.',
              content: {
                'application/json': { schema: { oneOf: tasks.map(({ name }) => reference(`${name}.answer`)) } },
                ...binary(artifacts),
              },
            },
            default: {
              description: 'What went wrong.',
              content: { 'application/json': { schema: reference('error') } },
            },
          },
        },
      },
    },
    components: { schemas },
  }
}

function requestSchema({ name, summary, fields, files }: Task): Schema {
  const schema = jsonSchema(fields, 'input')
  const inputs = Object.entries(files).map(([file, kind]): [string, Schema] => [
    file,
    merge(properties(schema)[file], {
      type: 'string',
      description: `${kind.description} In base64, as a data: URL, or as s3://bucket/key.`,
    }),
  ])
  const required = Object.entries(files).filter(([file, kind]) => kind.required && !(file in properties(schema)))
  return {
    ...schema,
    description: summary,
    properties: {
      task: { const: name },
      ...properties(schema),
      ...Object.fromEntries(inputs),
      output_s3: OUTPUT_S3,
    },
    required: ['task', ...required.map(([file]) => file), ...((schema.required as string[]) ?? [])],
  }
}

function answerSchema({ name, answer, artifacts }: Task): Schema {
  const schema = jsonSchema(answer, 'output')
  const given = Object.entries(artifacts).flatMap(([artifact, { description }]) => [
    [artifact, merge(properties(schema)[artifact], { type: 'string', contentEncoding: 'base64', description })],
    [`${artifact}_s3`, { type: 'string', description: `Where ${artifact} was stored.` }],
  ])
  return {
    ...schema,
    properties: { task: { const: name }, ...properties(schema), ...Object.fromEntries(given) },
    required: ['task', ...((schema.required as string[]) ?? [])],
  }
}

/** A field that may be a file too, such as rows of numbers or a CSV file. */
const merge = (field: Schema | undefined, file: Schema): Schema => (field ? { anyOf: [field, file] } : file)

function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io }) as Schema
  return rest
}

const properties = (schema: Schema) => (schema.properties ?? {}) as Record<string, Schema>

const binary = (types: readonly string[]) =>
  Object.fromEntries([...new Set(types)].map((type) => [type, { schema: { type: 'string', format: 'binary' } }]))

/** A raw body has its parameters in the query, or in the custom attributes, which SageMaker passes on. */
function parameters(tasks: readonly Task[]): Schema[] {
  return [
    {
      in: 'header',
      name: 'X-Amzn-SageMaker-Custom-Attributes',
      description: 'For a raw body: task=…;field=…, where a field that is no text is JSON.',
      schema: { type: 'string', maxLength: 1024 },
    },
    {
      in: 'header',
      name: 'X-Amzn-SageMaker-Inference-Id',
      description: 'The id in the log, in errors, and in the keys of stored artifacts.',
      schema: { type: 'string', maxLength: 128 },
    },
    {
      in: 'query',
      name: 'task',
      description: 'Needed where more than one task is served and the body does not name it.',
      schema: { enum: tasks.map(({ name }) => name) },
    },
  ]
}
