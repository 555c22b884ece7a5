import {
  LISTING_TIMEOUT_MS,
  MAX_MANIFEST_BYTES,
  MAX_PAGE_BYTES,
  MAX_PAGES,
  MAX_REFERRERS,
  MAX_TAGS,
} from '../bounds.ts'
import { ImageError, timed } from '../errors.ts'
import { parseJson } from '../json.ts'
import { INDEX_TYPES, MANIFEST_TYPES, parseManifest } from '../manifest.ts'
import type { ImageReference } from '../reference.ts'
import type { Descriptor, ImageSource } from '../source.ts'
import { authorization, refused } from './authorization.ts'
import type { Fetch } from './fetch.ts'
import type { Credentials } from './pull-secret.ts'
import { referrersByTag } from './referrers.ts'
import { type Answer, denied, drop, type Registry, requests, TIMEOUTS, type Timeouts } from './request.ts'

export type OciSourceOptions = {
  reference: Pick<ImageReference, 'host' | 'repository' | 'repositoryUri'>
  credentials?: Credentials | undefined
  /** registryFetch(), which refuses names of link-local addresses too, outside of tests. */
  fetch: Fetch
  /** Milliseconds since the epoch. */
  now: () => number
  /** Hosts, with their ports, that are spoken to without TLS. Whoever listens on the way reads the password. */
  plainHttp?: readonly string[]
  timeouts?: Partial<Timeouts>
}

const ACCEPT = { accept: [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ') }
/** As many tags a page as registries give; most take it for a wish. */
const PAGE_SIZE = 1000
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
/** What a registry without the referrers API answers there. */
const NO_REFERRERS_API = new Set([400, 404, 405, 501])

/** A repository of any registry, by the OCI distribution protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
export function ociSource(options: OciSourceOptions): ImageSource {
  const { reference, credentials, now, plainHttp = [] } = options
  const { host, repository } = address(reference)
  const scheme = plainHttp.includes(reference.host) ? 'http' : 'https'
  const registry: Registry = { name: reference.host, origin: new URL(`${scheme}://${host}`).origin }
  const http = requests(registry, options.fetch, now, { ...TIMEOUTS, ...options.timeouts })
  const signedIn = authorization(registry, repository, credentials, http, now)
  const base = `${registry.origin}/v2/${repository}`

  /** One GET, signed in as the registry wants it. Answers 200 or what the caller knows to handle. */
  const get = async (
    url: URL,
    signal: AbortSignal,
    { headers = {}, handled = new Set([404]) as ReadonlySet<number> } = {},
  ): Promise<Answer> => {
    const send = () => http.send({ url, headers: { ...headers, ...signedIn.current() }, signal })
    let answer = await send()
    if (answer.response.status === 401 && answer.url.origin === registry.origin) {
      await drop(answer.response)
      await signedIn.signIn(answer.response, signal)
      answer = await send()
    }
    const { status } = answer.response
    if (status === 200 || handled.has(status)) return answer
    await drop(answer.response)
    throw denied(
      registry,
      status === 401 || status === 403
        ? refused(credentials, `it answered ${status}`)
        : `answers ${status} to who reads the repository: look at its log`,
    )
  }

  /** The pages of a listing, as many as are allowed. Empty where there is none. */
  async function* pages(first: URL, signal: AbortSignal, handled?: ReadonlySet<number>): AsyncGenerator<unknown> {
    let url: URL | undefined = first
    for (let page = 0; url && page < MAX_PAGES; page++) {
      const answer = await get(url, signal, handled ? { handled } : {})
      if (answer.response.status !== 200) {
        await drop(answer.response)
        if (page === 0 && handled) yield undefined
        return
      }
      yield await json(answer)
      url = nextPage(answer)
    }
  }

  const json = async (answer: Answer): Promise<unknown> => {
    try {
      return parseJson(await http.read(answer, MAX_PAGE_BYTES))
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError)
        throw denied(registry, `sent a listing that cannot be read: ${error.message}`)
      throw error
    }
  }

  const source: ImageSource = {
    repositoryUri: reference.repositoryUri,

    async manifest(tagOrDigest, signal) {
      const answer = await get(new URL(`${base}/manifests/${tagOrDigest}`), signal, { headers: ACCEPT })
      const { response } = answer
      if (response.status === 404) {
        if (!(await isNoRepository(answer))) return undefined
        throw new ImageError(
          'RepositoryNotFound',
          `The registry ${registry.name.slice(0, 100)} has no repository ${repository.slice(0, 100)}: push the image, or correct the reference.`,
        )
      }
      try {
        const bytes = await http.read(answer, MAX_MANIFEST_BYTES)
        return { mediaType: response.headers.get('content-type') ?? '', bytes }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        throw new ImageError(
          'ManifestUnreadable',
          `The registry ${registry.name.slice(0, 100)} sends a manifest of more than ${MAX_MANIFEST_BYTES} bytes: push the image again with a current tool.`,
        )
      }
    },

    async blob(digest, signal) {
      const answer = await get(new URL(`${base}/blobs/${digest}`), signal)
      if (answer.response.status === 200) return http.stream(answer)
      await drop(answer.response)
      throw new ImageError(
        'ImageNotFound',
        `A part of the image, ${digest}, is not in the registry ${registry.name.slice(0, 100)}: push the image again.`,
      )
    },

    tags: (signal) =>
      timed('Listing the tags', LISTING_TIMEOUT_MS, signal, async (until) => {
        const found = new Set<string>()
        for await (const page of pages(new URL(`${base}/tags/list?n=${PAGE_SIZE}`), until)) {
          const tags = (page as { tags?: unknown } | null)?.tags
          for (const tag of Array.isArray(tags) ? tags : []) {
            if (typeof tag === 'string' && TAG.test(tag)) found.add(tag)
            if (found.size >= MAX_TAGS) return [...found]
          }
        }
        return [...found]
      }),

    referrers: (digest, signal) =>
      timed('Listing what refers to the image', LISTING_TIMEOUT_MS, signal, async (until) => {
        const found: Descriptor[] = []
        for await (const page of pages(new URL(`${base}/referrers/${digest}`), until, NO_REFERRERS_API)) {
          if (page === undefined) return referrersByTag(source, digest, until)
          found.push(...entries(page))
          if (found.length >= MAX_REFERRERS) break
        }
        return found.slice(0, MAX_REFERRERS)
      }),

    pushedAt: async () => undefined,
    scanFindings: async () => undefined,
  }

  const isNoRepository = async (answer: Answer): Promise<boolean> => {
    const text = await http.read(answer, MAX_PAGE_BYTES).then(
      (bytes) => Buffer.from(bytes).toString('utf8'),
      () => '',
    )
    return text.includes('"NAME_UNKNOWN"')
  }

  return source
}

function entries(page: unknown): Descriptor[] {
  const bytes = Buffer.from(JSON.stringify({ ...(page as object), schemaVersion: 2 }))
  const parsed = parseManifest({ mediaType: '', bytes })
  return parsed.kind === 'index' ? parsed.manifests : []
}

/** Only a page of the same registry: anything else would be told the token. */
function nextPage({ response, url }: Answer): URL | undefined {
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(response.headers.get('link') ?? '') ?? []
  const next = target === undefined ? null : URL.parse(target, url.href)
  return next?.origin === url.origin ? next : undefined
}

/** Docker Hub answers under another name, and has its own images below library/. */
function address({ host, repository }: OciSourceOptions['reference']): { host: string; repository: string } {
  if (host !== 'docker.io' && host !== 'index.docker.io') return { host, repository }
  return { host: 'registry-1.docker.io', repository: repository.includes('/') ? repository : `library/${repository}` }
}
