import type { ModelImage } from '../../api/model-image.ts'
import { type ImageReference, type ImageRegistry, parseReference } from '../../providers/registry.ts'

export type Status = NonNullable<ModelImage['status']>

const SHORT_DIGEST = 12
/** What the API server accepts; an image may say more. */
const MAX_ARGUMENTS = 128
const MAX_ARGUMENT_LENGTH = 4096
const MAX_PORTS = 64

/**
 * Finds the digest behind the reference and, when it is a new one, what the image says of itself, and writes both into status.
 * Answers whether the digest is new.
 * @throws ImageError when the image cannot be used; the SDK's errors
 */
export async function resolve(
  object: ModelImage,
  status: Status,
  registryOf: (region: string) => ImageRegistry,
  now: Date,
  signal: AbortSignal,
): Promise<boolean> {
  // The API server refuses anything that does not parse.
  const reference = parseReference(object.spec.image) as ImageReference
  const registry = registryOf(reference.region)
  const { digest, configDigest, sizeBytes, layers } = await registry.resolve(reference, signal)
  const image = `${reference.repositoryUri}@${digest}`
  // A digest's content never changes.
  if (status.image === image) return false
  const config = await registry.config(reference, configDigest, signal)
  const pushedAt = await registry.pushedAt(reference, digest, signal)
  Object.assign(status, {
    image,
    digest,
    shortDigest: digest.replace('sha256:', '').slice(0, SHORT_DIGEST),
    sizeBytes,
    size: humanSize(sizeBytes),
    layers,
    platform: {
      ...(config.os ? { os: config.os } : {}),
      ...(config.architecture ? { architecture: config.architecture } : {}),
    },
    entrypoint: bounded(config.entrypoint),
    cmd: bounded(config.cmd),
    exposedPorts: config.exposedPorts.slice(0, MAX_PORTS),
    resolvedAt: timestamp(now),
  } satisfies Status)
  if (config.createdAt) status.createdAt = config.createdAt
  else delete status.createdAt
  if (pushedAt) status.pushedAt = timestamp(pushedAt)
  else delete status.pushedAt
  return true
}

/** In the units that registries show: powers of 1,000. */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  // 999.95 would be printed as 1000.0.
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

function bounded(list: string[]): string[] {
  return list.slice(0, MAX_ARGUMENTS).map((argument) => argument.slice(0, MAX_ARGUMENT_LENGTH))
}

function timestamp(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z')
}
