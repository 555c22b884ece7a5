import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parse } from 'yaml'
import { asyncInferenceEndpointSpec } from '../../../operator/api/async-inference-endpoint.ts'
import { KINDS, objectSchema, type Schema } from '../../../operator/api/definition.ts'
import { generated } from '../../../operator/api/generate.ts'
import { modelImageSpec } from '../../../operator/api/model-image.ts'
import { API_VERSION } from '../../../operator/api/names.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const SPECS = { ModelImage: modelImageSpec, AsyncInferenceEndpoint: asyncInferenceEndpointSpec }

for (const [path, content] of generated())
  test(`${path} is what the schemas generate`, (t) => {
    const committed = readFileSync(join(REPOSITORY, path), 'utf8')
    t.true(committed === content, `${path} differs: run \`npm run generate\` and commit what it writes`)
  })

for (const folder of ['crds', 'charts/mooring/files/crds'])
  test(`${folder} holds a definition for each kind and nothing else`, (t) => {
    const expected = [...generated().keys()].filter((path) => path.startsWith(`${folder}/`))
    t.deepEqual(
      readdirSync(join(REPOSITORY, folder))
        .map((file) => `${folder}/${file}`)
        .sort(),
      expected.sort(),
    )
  })

for (const kind of KINDS) {
  const nodes = [...walk(kind.names.kind, objectSchema(kind))]

  test(`every node of ${kind.names.kind} is structural: typed, and of no form that a definition may not have`, (t) => {
    const forbidden = ['$ref', 'const', 'patternProperties', 'anyOf', 'oneOf', 'allOf', 'not', 'nullable', '_prefault']
    for (const [path, node] of nodes) {
      t.truthy(node.type, `${path} has no type`)
      for (const key of forbidden) t.false(key in node, `${path} has ${key}`)
      t.false('properties' in node && 'additionalProperties' in node, `${path} is both object and map`)
    }
  })

  test(`every string, number, list and map of ${kind.names.kind} is bounded, so that the cost of every rule is`, (t) => {
    for (const [path, node] of nodes) {
      if (/\.(apiVersion|kind|metadata)$/.test(path)) continue
      if (node.type === 'string') t.true(node.enum !== undefined || node.maxLength !== undefined, path)
      if (node.type === 'integer') t.true(node.minimum !== undefined && node.maximum !== undefined, path)
      if (node.type === 'array') t.truthy(node.maxItems, path)
      if (node.additionalProperties) t.truthy(node.maxProperties, path)
    }
  })

  test(`every field of ${kind.names.kind} is documented, and every rule says what to do in a sentence`, (t) => {
    for (const [path, node] of nodes) {
      if (/\.metadata$|\[\]$|\{\}$/.test(path)) continue
      t.regex(node.description ?? '', /^[A-Z].*\.$/s, path)
      for (const { message } of node['x-kubernetes-validations'] ?? []) t.notRegex(message, /\n|\.$/, path)
    }
  })

  test(`the printer columns of ${kind.names.kind} show fields that exist`, (t) => {
    const paths = new Set(nodes.map(([path]) => path.slice(kind.names.kind.length)))
    for (const { jsonPath } of kind.columns.filter((column) => !column.jsonPath.startsWith('.metadata')))
      t.true(paths.has(jsonPath.replace(/\[\?.*?\]/, '[]')), jsonPath)
  })
}

for (const file of globSync('samples/**/*.yaml', { cwd: REPOSITORY })) {
  const manifest = parse(readFileSync(join(REPOSITORY, file), 'utf8'))
  if (manifest.kind === 'Namespace') continue
  test(`${file} parses by the schema that its type is inferred from`, (t) => {
    t.is(manifest.apiVersion, API_VERSION)
    const schema = SPECS[manifest.kind as keyof typeof SPECS]
    t.notThrows(() => schema.parse(manifest.spec))
  })
}

function* walk(path: string, node: Schema): Generator<[path: string, node: Schema]> {
  yield [path, node]
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* walk(`${path}.${name}`, child)
  if (node.items) yield* walk(`${path}[]`, node.items)
  if (node.additionalProperties) yield* walk(`${path}{}`, node.additionalProperties)
}
