import { z } from 'zod'
import { asyncInferenceEndpoint } from './async-inference-endpoint.ts'
import type { Rule } from './fields.ts'
import { modelImage } from './model-image.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from './names.ts'

/** A node of an OpenAPI v3 schema in Kubernetes' structural form: what the generator writes and the reference reads. */
export type Schema = {
  type?: string
  description?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema
  items?: Schema
  required?: string[]
  default?: unknown
  enum?: string[]
  format?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
  'x-kubernetes-validations'?: Rule[]
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
}

type Column = { name: string; type: 'string' | 'integer' | 'date'; jsonPath: string; description: string; priority?: 1 }

/** One kind: its schema and what kubectl shows of it. */
export type Kind = {
  names: { group: string; version: string; plural: string; kind: string }
  singular: string
  shortNames: string[]
  columns: Column[]
  schema: z.ZodType
}

const READY: Column = {
  name: 'Ready',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: 'Whether everything that was asked for is in place.',
}
const REASON: Column = {
  name: 'Reason',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
  description: 'Why it is ready or not.',
  priority: 1,
}
const AGE: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since the object was created.',
}

export const KINDS: readonly Kind[] = [
  {
    names: MODEL_IMAGES,
    singular: 'modelimage',
    shortNames: ['mi'],
    schema: modelImage,
    columns: [
      READY,
      {
        name: 'Digest',
        type: 'string',
        jsonPath: '.status.shortDigest',
        description: 'What endpoints run.',
      },
      { name: 'Size', type: 'string', jsonPath: '.status.size', description: 'The size of the compressed layers.' },
      {
        name: 'Candidate',
        type: 'string',
        jsonPath: '.status.candidate.state',
        description: 'What keeps a newer digest behind the reference from being used.',
      },
      {
        name: 'Platform',
        type: 'string',
        jsonPath: '.status.platform.architecture',
        description: 'The processor architecture.',
        priority: 1,
      },
      { name: 'Image', type: 'string', jsonPath: '.spec.image', description: 'The reference.', priority: 1 },
      REASON,
      AGE,
    ],
  },
  {
    names: ASYNC_INFERENCE_ENDPOINTS,
    singular: 'asyncinferenceendpoint',
    shortNames: ['aie'],
    schema: asyncInferenceEndpoint,
    columns: [
      READY,
      { name: 'Status', type: 'string', jsonPath: '.status.phase', description: 'The state in one word.' },
      {
        name: 'Instances',
        type: 'string',
        jsonPath: '.status.instances.summary',
        description: 'Running/asked for (fewest-most).',
      },
      { name: 'Image', type: 'string', jsonPath: '.status.shortDigest', description: 'The digest that runs.' },
      {
        name: 'Cost/mo',
        type: 'string',
        jsonPath: '.status.cost.monthToDate',
        description: 'US dollars since the month began.',
        priority: 1,
      },
      {
        name: 'Endpoint',
        type: 'string',
        jsonPath: '.status.endpointName',
        description: 'The endpoint in SageMaker.',
        priority: 1,
      },
      REASON,
      AGE,
    ],
  },
]

/** The whole object's schema, as the API server holds it. */
export function objectSchema({ schema, names }: Kind): Schema {
  // 'input': the output form would require what has a default, and close objects in a way that is not structural.
  const { description, properties, required, ...rest } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
  }) as Schema
  return {
    type: 'object',
    ...(description ? { description } : {}),
    required: required ?? [],
    properties: {
      apiVersion: { type: 'string', description: `Always ${names.group}/${names.version}.` },
      kind: { type: 'string', description: `Always ${names.kind}.` },
      metadata: { type: 'object' },
      ...properties,
    },
    ...rest,
  }
}

/** The CustomResourceDefinition of a kind, as a plain object. */
export function customResourceDefinition(kind: Kind) {
  const { group, version, plural, kind: name } = kind.names
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind: name,
        listKind: `${name}List`,
        plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: ['mooring'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
          schema: { openAPIV3Schema: objectSchema(kind) },
        },
      ],
    },
  }
}
