import { readAtMost } from '../blob.ts'
import { ANSWER_TIMEOUT_MS, HEADERS_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_REDIRECTS, MAX_RETRY_AFTER_MS } from '../bounds.ts'
import { ImageError, RegistryUnavailable } from '../errors.ts'
import { isForbidden, isLoopback } from './address.ts'
import type { Fetch } from './fetch.ts'
import { bounded } from './stream.ts'

/** How long to be patient, in milliseconds. */
export type Timeouts = {
  /** Until the answer begins, at each hop. */
  headers: number
  /** Between two pieces of it. */
  idle: number
  /** Until an answer that is read wholly has ended. */
  answer: number
}
export const TIMEOUTS: Timeouts = { headers: HEADERS_TIMEOUT_MS, idle: IDLE_TIMEOUT_MS, answer: ANSWER_TIMEOUT_MS }

/** The registry that requests are made for, and what follows from it for where they may go. */
export type Registry = {
  /** As people name it: in messages. */
  name: string
  /** Where it answers: https://host[:port], or http where that was agreed to. */
  origin: string
}

export type Request = {
  url: URL
  headers: Record<string, string>
  method?: 'GET' | 'POST'
  body?: string
  signal: AbortSignal
}

/** An answer, and where it came from after redirects. The body must be read, or cancelled by `drop`. */
export type Answer = { response: Response; url: URL; signal: AbortSignal }

export type Requests = {
  /**
   * Sends it, and follows redirects; the Authorization header goes to the first host alone. Answers whatever status comes, 429 and 5xx aside.
   * @throws RegistryUnavailable, ImageError RegistryDenied for an address where requests must not go
   */
  send(request: Request): Promise<Answer>
  /** Reads an answer wholly. @throws RegistryUnavailable; RangeError where it is larger */
  read(answer: Answer, maxBytes: number): Promise<Uint8Array>
  /** The body of an answer, for who reads it in pieces; it ends with an error where nothing comes for long. */
  stream(answer: Answer): ReadableStream<Uint8Array>
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** HTTP as it must be spoken with servers that nobody vouches for: bounded in time, hops and addresses. */
export function requests(registry: Registry, fetch: Fetch, now: () => number, timeouts: Timeouts): Requests {
  const ask = async ({ url, headers, method = 'GET', body, signal }: Request): Promise<Response> => {
    refuseUnsafe(registry, url)
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), timeouts.headers)
    try {
      return await fetch(url.href, {
        method,
        headers: { 'user-agent': 'mooring', 'accept-encoding': 'identity', ...headers },
        ...(body === undefined ? {} : { body }),
        redirect: 'manual',
        signal: AbortSignal.any([signal, patience.signal]),
      })
    } catch (cause) {
      signal.throwIfAborted()
      if (patience.signal.aborted)
        throw new RegistryUnavailable(`${hostOf(registry, url)} did not answer within ${timeouts.headers} ms.`)
      throw explained(registry, url, cause)
    } finally {
      clearTimeout(timer)
    }
  }

  const body = ({ response, url, signal }: Answer, ended?: AbortSignal): ReadableStream<Uint8Array> => {
    const until = ended ? AbortSignal.any([signal, ended]) : signal
    const explain = (cause: unknown) => (signal.aborted ? signal.reason : explained(registry, url, cause))
    return response.body ? bounded(response.body, timeouts.idle, until, explain) : new Blob([]).stream()
  }

  return {
    async send(request) {
      let { url, headers, method, body } = request
      for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
        const response = await ask({
          ...request,
          url,
          headers,
          ...(method ? { method } : {}),
          ...(body ? { body } : {}),
        })
        if (response.status === 429 || response.status >= 500) {
          await drop(response)
          throw busy(registry, url, response, now())
        }
        const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
        if (location === null) return { response, url, signal: request.signal }
        await drop(response)
        const target = URL.parse(location, url.href)
        if (!target || method === 'POST') throw denied(registry, 'answers with a redirect that cannot be followed')
        if (target.origin !== url.origin) {
          const { authorization: _, ...others } = headers
          headers = others
        }
        url = target
      }
      throw denied(registry, `redirects more than ${MAX_REDIRECTS} times`)
    },

    read: (answer, maxBytes) => readAtMost(body(answer, AbortSignal.timeout(timeouts.answer)), maxBytes),
    stream: (answer) => body(answer),
  }
}

/** Ends an answer whose body nobody wants, so that its connection is free. */
export async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {})
}

/** That the registry refuses for good, or asks for what must not be done. */
export function denied({ name }: Registry, what: string): ImageError {
  return new ImageError(
    'RegistryDenied',
    `The registry ${name.slice(0, 100)} ${what}`.slice(0, 298).replace(/\.?$/, '.'),
  )
}

/** @throws ImageError RegistryDenied */
function refuseUnsafe(registry: Registry, { protocol, hostname, username, password, origin }: URL): void {
  const own = new URL(registry.origin)
  if (isForbidden(hostname))
    throw denied(
      registry,
      'leads to a link-local address, where instances keep their credentials: requests do not go there',
    )
  if (username || password) throw denied(registry, 'leads to an address with a password in it')
  if (origin === own.origin) return
  if (isLoopback(hostname) && !isLoopback(own.hostname))
    throw denied(registry, 'leads to a loopback address: requests do not go there')
  const plainToo = own.protocol === 'http:' && own.hostname === hostname
  if (protocol !== 'https:' && !(protocol === 'http:' && plainToo))
    throw denied(registry, 'leads to an address without TLS: requests do not go there')
}

function busy(registry: Registry, url: URL, response: Response, now: number): RegistryUnavailable {
  const who = hostOf(registry, url)
  const retryAfterMs = retryAfter(response.headers.get('retry-after'), now)
  if (response.status === 429)
    return new RegistryUnavailable(`${who} limits the rate of requests at the moment.`, { retryAfterMs })
  return new RegistryUnavailable(`${who} answered ${response.status}.`, { retryAfterMs })
}

/** Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfter(header: string | null, now: number): number | undefined {
  if (!header) return undefined
  const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_MS)
}

/** An error of the connection, in words that are the same at every try. */
function explained(registry: Registry, url: URL, cause: unknown): Error {
  if (cause instanceof ImageError || cause instanceof RegistryUnavailable) return cause
  const code = codeOf(cause)
  if (code === 'EADDRFORBIDDEN')
    return denied(
      registry,
      'leads to a link-local address, where instances keep their credentials: requests do not go there',
    )
  const hint = /WRONG_VERSION|PACKET_LENGTH|EPROTO/.test(code)
    ? ': it does not speak TLS. Plain http must be allowed for it by name'
    : ''
  return new RegistryUnavailable(`${hostOf(registry, url)} cannot be read (${code || 'no answer'})${hint}.`, { cause })
}

function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at.name === 'TimeoutError') return 'it took too long'
    const { code, errors } = at as { code?: unknown; errors?: unknown[] }
    if (typeof code === 'string') return code.slice(0, 60)
    if (Array.isArray(errors)) return codeOf(errors[0])
  }
  return ''
}

function hostOf({ name, origin }: Registry, url: URL): string {
  const registry = `The registry ${name.slice(0, 100)}`
  return url.origin === origin ? registry : `${registry}, at ${url.host.slice(0, 100)},`
}
