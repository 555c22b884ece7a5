import { z } from 'zod'
import { ImageError } from '../errors.ts'
import { fits } from '../glob.ts'

/** What a registry is told of who asks. */
export type Credentials = { username: string; password: string } | { identityToken: string }

const entry = z.object({
  auth: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  identitytoken: z.string().nullish(),
})
const dockerConfig = z.object({ auths: z.record(z.string(), entry).nullish() })

/** Docker Hub's names, as pull secrets have them. */
const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io']

/**
 * Finds who to be at a registry, in Secrets of type kubernetes.io/dockerconfigjson, by the kubelet's rules: the host part by part, where a part
 * may hold *, the port exactly, the path by prefix; the longest key first, and the Secrets in their order.
 * https://kubernetes.io/docs/concepts/containers/images/#config-json
 * @param repositoryUri host and path, as in the reference
 * @param dockerConfigJson the values of the Secrets' key .dockerconfigjson
 * @throws ImageError RegistryDenied for what is no such document; nothing of it is in the message
 */
export function credentialsFor(repositoryUri: string, dockerConfigJson: readonly string[]): Credentials | undefined {
  const [host = '', ...path] = repositoryUri.split('/')
  const targets = DOCKER_HUB.includes(host) ? DOCKER_HUB.map((name) => [name, ...path].join('/')) : [repositoryUri]
  const entries = dockerConfigJson.flatMap((text) => Object.entries(parse(text).auths ?? {}))
  const found = entries
    .map(([key, given]) => ({ key: normalised(key), given }))
    .filter(({ key }) => targets.some((target) => matches(key, target)))
    .map(({ key, given }) => ({ key, credentials: credentialsOf(given) }))
    .filter(({ credentials }) => credentials !== undefined)
  // Sorting keeps the order of what is equally long.
  return found.sort((one, other) => other.key.length - one.key.length)[0]?.credentials
}

function parse(text: string): z.infer<typeof dockerConfig> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The engine's message quotes the document, which holds passwords.
    json = undefined
  }
  const { success, data } = dockerConfig.safeParse(json)
  if (success) return data
  throw new ImageError(
    'RegistryDenied',
    'A pull secret is not a Docker configuration with "auths": make it with kubectl create secret docker-registry.',
  )
}

/** Without scheme, and without the version of the protocol that old keys end in: https://index.docker.io/v1/. */
function normalised(key: string): string {
  return key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/+$/, '')
}

function matches(key: string, target: string): boolean {
  const [keyHost, keyPath] = split(key)
  const [targetHost, targetPath] = split(target)
  const keyParts = keyHost.split('.')
  const targetParts = targetHost.split('.')
  return (
    keyParts.length === targetParts.length &&
    keyParts.every((part, index) => fits(part, targetParts[index] ?? '')) &&
    targetPath.startsWith(keyPath)
  )
}

/** The last part of a host has its port, if any: a key without one does not match a host that has one. */
function split(address: string): [host: string, path: string] {
  const at = address.indexOf('/')
  return at < 0 ? [address, ''] : [address.slice(0, at), address.slice(at)]
}

function credentialsOf({ auth, username, password, identitytoken }: z.infer<typeof entry>): Credentials | undefined {
  if (identitytoken) return { identityToken: identitytoken }
  if (username && password) return { username, password }
  const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8')
  const at = decoded.indexOf(':')
  return at > 0 ? { username: decoded.slice(0, at), password: decoded.slice(at + 1) } : undefined
}
