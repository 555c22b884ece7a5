import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }
type GroupVersionKind = { group: string; version: string; kind: string }

/** Where kubeconform finds what `writeSchemas` wrote, from the folder. It takes the core group's version for its name. */
export const SCHEMA_LOCATION = '{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json'

/**
 * Writes one JSON Schema for every kind in the given API groups, strict, from the API server's own OpenAPI documents: the very
 * release that we test against, and no download.
 * @param raw reads a path of the API server
 * @param groups as in a URL: 'api/v1', 'apis/apps/v1'
 */
export async function writeSchemas(
  folder: string,
  groups: string[],
  raw: (path: string) => Promise<string>,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const group of groups) {
    const document = JSON.parse(await raw(`/openapi/v3/${group}`)) as {
      components: { schemas: Record<string, JsonObject> }
    }
    const schemas = document.components.schemas
    for (const [name, schema] of Object.entries(schemas)) {
      const kinds = (schema['x-kubernetes-group-version-kind'] ?? []) as GroupVersionKind[]
      if (kinds.length === 0) continue
      const definitions = Object.fromEntries(
        [...reachable(name, schemas)].map((one) => [one, strict(schemas[one] ?? {})]),
      )
      const root = { $schema: 'http://json-schema.org/draft-07/schema#', $ref: `#/definitions/${name}`, definitions }
      for (const { group, version, kind } of kinds)
        await writeFile(join(folder, `${group || version}_${version}_${kind.toLowerCase()}.json`), JSON.stringify(root))
    }
  }
}

/** The schemas that one refers to, itself included; kubeconform wants each kind in a file of its own. */
function reachable(name: string, schemas: Record<string, JsonObject>, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  for (const [, target] of JSON.stringify(schemas[name] ?? {}).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
    if (target) reachable(target, schemas, found)
  return found
}

/** OpenAPI's form turned into JSON Schema's, where an object that lists its fields has no others. */
function strict(schema: JsonObject): JsonObject {
  const turned: JsonObject = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$ref' && typeof value === 'string')
      turned.$ref = value.replace('#/components/schemas/', '#/definitions/')
    else if (key === 'properties' && isObject(value))
      turned.properties = Object.fromEntries(
        Object.entries(value).map(([name, field]) => [name, isObject(field) ? strict(field) : field]),
      )
    else if (Array.isArray(value)) turned[key] = value.map((item) => (isObject(item) ? strict(item) : item))
    else turned[key] = isObject(value) && key !== 'default' ? strict(value) : value
  }
  if (turned.properties && !('additionalProperties' in turned)) turned.additionalProperties = false
  return turned
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
