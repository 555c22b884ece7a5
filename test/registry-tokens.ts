import { generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export const ISSUER = 'test-tokens'
export const SERVICE = 'test-registry'
const VALID_S = 300
const KEY_ID = 'test'

export type TokenServer = {
  /** Where tokens are given out. */
  realm: string
  /** The public key, for the registry. */
  jwks: { keys: (JsonWebKey & { kid: string })[] }
  /** A token without asking, such as for who pushes. */
  token(repository: string, actions: string[]): string
  /** The queries of requests so far, in their order. */
  requests: URLSearchParams[]
  stop(): Promise<void>
}

/**
 * Gives out registry tokens: to who has the password for any repository, to anybody for repositories below `public/`, always to pull only.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export async function tokenServer(user: { name: string; password: string }): Promise<TokenServer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const requests: URLSearchParams[] = []

  const token = (repository: string, actions: string[]): string => {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: ISSUER,
      aud: SERVICE,
      sub: user.name,
      iat: now,
      nbf: now,
      exp: now + VALID_S,
      access: actions.length > 0 ? [{ type: 'repository', name: repository, actions }] : [],
    }
    const signed = [{ alg: 'ES256', typ: 'JWT', kid: KEY_ID }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }

  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://tokens').searchParams
    requests.push(query)
    const signedIn = passwordOf(request) === `${user.name}:${user.password}`
    if (request.headers.authorization && !signedIn) {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end('{"errors":[{"code":"UNAUTHORIZED"}]}')
      return
    }
    const [, repository = ''] = /^repository:([^:]+):/.exec(query.get('scope') ?? '') ?? []
    const allowed = signedIn || repository.startsWith('public/')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ token: token(repository, allowed ? ['pull'] : []), expires_in: VALID_S }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    realm: `http://127.0.0.1:${port}/token`,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'ES256', use: 'sig' }] },
    token,
    requests,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function passwordOf({ headers }: IncomingMessage): string {
  const [, encoded = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? []
  return Buffer.from(encoded, 'base64').toString('utf8')
}
