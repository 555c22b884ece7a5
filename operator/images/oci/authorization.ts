import { z } from 'zod'
import { MAX_TOKEN_BYTES } from '../bounds.ts'
import { parseJson } from '../json.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credentials } from './pull-secret.ts'
import { denied, drop, type Registry, type Requests } from './request.ts'

export type Authorization = {
  /** The header that the registry takes at the moment, if one is known. */
  current(): Record<string, string>
  /** Signs in as a refusal asks. @throws ImageError RegistryDenied, RegistryUnavailable */
  signIn(refusal: Response, signal: AbortSignal): Promise<void>
}

/** https://distribution.github.io/distribution/spec/auth/token/#token-response-fields */
const DEFAULT_VALID_S = 60
/** A token must last until the request has arrived. */
const MARGIN_MS = 10_000
const tokenAnswer = z.object({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.number().min(0).max(86_400).nullish().catch(undefined),
})

/**
 * Signs in at a registry, to pull from one repository: with a token by Docker's token authentication, anonymous where there are no
 * credentials, or with the password itself where the registry wants that.
 */
export function authorization(
  registry: Registry,
  repository: string,
  credentials: Credentials | undefined,
  { send, read }: Requests,
  now: () => number,
): Authorization {
  let known: { header: string; until: number } | undefined

  const bearer = async ({ parameters }: Challenge, signal: AbortSignal): Promise<void> => {
    const realm = URL.parse(parameters.realm ?? '')
    if (!realm) throw denied(registry, 'asks for a token, but does not say where there is one')
    // What the challenge asks for may be more than is needed.
    const query = {
      scope: `repository:${repository}:pull`,
      ...(parameters.service ? { service: parameters.service } : {}),
    }
    const answer = await send({ signal, ...tokenRequest(realm, query, credentials) })
    const { status } = answer.response
    if (status !== 200) {
      await drop(answer.response)
      throw denied(registry, refused(credentials, `its token server answered ${status}`))
    }
    const { success, data } = tokenAnswer.safeParse(await json(answer))
    const token = success ? (data.token ?? data.access_token ?? '') : ''
    if (!/^[\x21-\x7e]+$/.test(token)) throw denied(registry, 'has a token server that gives no token')
    const validMs = (data?.expires_in ?? DEFAULT_VALID_S) * 1000
    known = { header: `Bearer ${token}`, until: now() + Math.max(validMs - MARGIN_MS, 0) }
  }

  const json = async (answer: Awaited<ReturnType<Requests['send']>>): Promise<unknown> => {
    try {
      return parseJson(await read(answer, MAX_TOKEN_BYTES))
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError) return undefined
      throw error
    }
  }

  return {
    current: () => (known && now() < known.until ? { authorization: known.header } : {}),
    async signIn(refusal, signal) {
      known = undefined
      const challenges = parseChallenges(refusal.headers.get('www-authenticate') ?? '')
      const token = challenges.find(({ scheme }) => scheme === 'bearer')
      if (token) return bearer(token, signal)
      if (!challenges.some(({ scheme }) => scheme === 'basic'))
        throw denied(
          registry,
          'refuses without saying how to sign in: name a pull secret for it, or make the repository readable',
        )
      if (!credentials || !('password' in credentials))
        throw denied(registry, 'asks for a password: name a pull secret for it in spec.imagePullSecrets')
      known = { header: basic(credentials), until: Number.POSITIVE_INFINITY }
    },
  }
}

/** What went wrong with whoever asked, and what to do. */
export function refused(credentials: Credentials | undefined, what: string): string {
  return credentials
    ? `refuses the credentials of the pull secret (${what}): correct the secret, or let its user pull the repository`
    : `does not let anybody read the repository (${what}): name a pull secret in spec.imagePullSecrets, or correct the reference`
}

function tokenRequest(realm: URL, query: Record<string, string>, credentials: Credentials | undefined) {
  if (credentials && 'identityToken' in credentials) {
    // https://distribution.github.io/distribution/spec/auth/oauth/
    const form = {
      ...query,
      grant_type: 'refresh_token',
      refresh_token: credentials.identityToken,
      client_id: 'mooring',
    }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { url: realm, method: 'POST' as const, headers, body: new URLSearchParams(form).toString() }
  }
  const url = new URL(realm)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return { url, headers: credentials ? { authorization: basic(credentials) } : ({} as Record<string, string>) }
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
