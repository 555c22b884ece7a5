import { createHash } from 'node:crypto'

/** SageMaker's limit for the names of endpoints, configurations and models. */
const MAX_NAME = 63
const UID_LENGTH = 8
const HASH_LENGTH = 8
/** What is left for people to read: `<readable>-<uid>-<hash>`. UID and hash are never cut, they tell names apart. */
const MAX_READABLE = MAX_NAME - UID_LENGTH - HASH_LENGTH - 2

/** The endpoint's name, which also begins the names of its models and configurations. */
export function endpointName(object: { namespace: string; name: string; uid: string }): string {
  // SageMaker knows no dots. The hyphens of the UID are dropped so that 8 characters of it are 8 digits.
  const readable = `${object.namespace}-${object.name}`.replaceAll('.', '-').slice(0, MAX_READABLE).replace(/-+$/, '')
  return `${readable}-${object.uid.replaceAll('-', '').slice(0, UID_LENGTH)}`
}

/** The name of one revision of the endpoint's model or configuration. */
export function revisionName(endpoint: string, contentHash: string): string {
  return `${endpoint}-${contentHash}`
}

/** Begins the names of all models and configurations of an endpoint, and of nothing else's. */
export function revisionPrefix(endpoint: string): string {
  return `${endpoint}-`
}

/** Eight hexadecimal digits that stand for a value's content; the order of its keys does not matter. */
export function contentHash(content: unknown): string {
  return createHash('sha256').update(canonical(content)).digest('hex').slice(0, HASH_LENGTH)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}
