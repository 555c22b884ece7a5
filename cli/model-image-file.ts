import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { type ImageChecks, imageChecks } from '../operator/api/image-checks.ts'
import { modelImageSpec } from '../operator/api/model-image.ts'

/** What a ModelImage says of its checks. */
export type Asked = {
  image?: string
  checks: ImageChecks
  target: { instanceTypes: string[]; inferenceAmiVersion?: string }
}

/** As the API server would fill it in for a ModelImage that says nothing. */
export function defaults(): Asked {
  return { checks: imageChecks.parse({}), target: { instanceTypes: [] } }
}

/**
 * Reads the ModelImage of a manifest, which may hold other objects too; - is the standard input.
 * @throws Error where there is none, or more than one, or one that the API server would not take
 */
export async function readModelImage(path: string): Promise<Asked> {
  const text = await readFile(path === '-' ? '/dev/stdin' : path, 'utf8')
  const documents = parseAllDocuments(text)
  const broken = documents.flatMap(({ errors }) => errors)[0]
  if (broken) throw new Error(`${path} is not YAML: ${broken.message.split('\n')[0]}`)
  const images = documents
    .map((document) => document.toJS({ maxAliasCount: 100 }) as { kind?: unknown; spec?: unknown } | null)
    .filter((object) => object?.kind === 'ModelImage')
  const [image] = images
  if (!image || images.length > 1)
    throw new Error(`${path} has ${images.length} objects of kind ModelImage: give a file with one`)
  const { success, data, error } = modelImageSpec.safeParse(image.spec)
  if (!success) {
    const [issue] = error.issues
    throw new Error(`${path}: spec.${issue?.path.join('.')}: ${issue?.message}`)
  }
  const misspelt = unknownField(image.spec, data, 'spec')
  if (misspelt) throw new Error(`${path}: ${misspelt} is no field of a ModelImage`)
  const { instanceTypes = [], inferenceAmiVersion } = data.target ?? {}
  return {
    image: data.image,
    checks: data.checks,
    target: { instanceTypes, ...(inferenceAmiVersion === undefined ? {} : { inferenceAmiVersion }) },
  }
}

/** The first field that the schema has left out, because it does not know it. */
function unknownField(given: unknown, known: unknown, path: string): string | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  for (const [name, value] of Object.entries(given)) {
    const at = Array.isArray(given) ? `${path}[${name}]` : `${path}.${name}`
    if (typeof known !== 'object' || known === null || !Object.hasOwn(known, name)) return at
    const below = unknownField(value, (known as Record<string, unknown>)[name], at)
    if (below) return below
  }
  return undefined
}
