import test, { type ExecutionContext } from 'ava'
import { ImageError, RegistryUnavailable, timed } from '../../../../operator/images/errors.ts'
import type { Fetch } from '../../../../operator/images/oci/fetch.ts'
import { ociSource } from '../../../../operator/images/oci/source.ts'

const signal = AbortSignal.timeout(60_000)
const CREDENTIALS = { username: 'me', password: 'correct-horse' }

type Asked = { url: string; authorization: string | undefined }

/** A registry with TLS that answers as the test wants; what was asked, in its order. */
function registry(answer: (asked: Asked) => Response, host = 'registry.example', credentials = CREDENTIALS) {
  const asked: Asked[] = []
  const fetch: Fetch = async (url, { headers }) => {
    const { authorization } = headers as Record<string, string>
    const one = { url, authorization }
    asked.push(one)
    return answer(one)
  }
  const reference = { host, repository: 'team/sam', repositoryUri: `${host}/team/sam` }
  return { asked, source: ociSource({ reference, credentials, fetch, now: () => 0 }) }
}

const redirect = (location: string) => new Response(null, { status: 307, headers: { location } })
const unauthorized = (challenge: string) =>
  new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })

async function refused(t: ExecutionContext, reading: Promise<unknown>, message: RegExp) {
  await t.throwsAsync(reading, { instanceOf: ImageError, message })
}

test('without a word to the contrary, TLS is spoken', async (t) => {
  const { asked, source } = registry(() => new Response('{}'))
  await source.manifest('1', signal)
  t.is(asked[0]?.url, 'https://registry.example/v2/team/sam/manifests/1')
})

test('nothing leads from TLS to plain http, not even at the same host', async (t) => {
  for (const target of ['http://registry.example/x', 'http://other.example/x', 'http://127.0.0.1/x']) {
    const redirecting = registry(() => redirect(target))
    await refused(t, redirecting.source.manifest('1', signal), /without TLS|loopback/)
    t.is(redirecting.asked.length, 1)
    const asking = registry(() => unauthorized(`Bearer realm="${target}"`))
    await refused(t, asking.source.manifest('1', signal), /without TLS|loopback/)
    t.is(asking.asked.length, 1, 'no password was sent there')
  }
})

test('a registry elsewhere does not lead to what listens beside the operator', async (t) => {
  for (const target of ['https://127.0.0.1:8443/', 'https://localhost/', 'https://x.localhost/', 'https://[::1]/']) {
    const { asked, source } = registry(() => redirect(target))
    await refused(t, source.manifest('1', signal), /loopback/)
    t.is(asked.length, 1)
  }
})

test('the password is for the token server, the token for the registry', async (t) => {
  const { asked, source } = registry(({ url, authorization }) => {
    if (url.startsWith('https://auth.example/')) return Response.json({ access_token: 'the-token', expires_in: 300 })
    if (authorization) return new Response('{}')
    return unauthorized('Bearer realm="https://auth.example/token?x=1",service="s",scope="registry:catalog:*"')
  })
  await source.manifest('1', signal)
  t.deepEqual(
    asked.map(({ url, authorization }) => [new URL(url).host, authorization?.split(' ')[0]]),
    [
      ['registry.example', undefined],
      ['auth.example', 'Basic'],
      ['registry.example', 'Bearer'],
    ],
  )
  const query = new URL(asked[1]?.url ?? '').searchParams
  t.deepEqual(
    [query.get('x'), query.get('service'), query.get('scope')],
    ['1', 's', 'repository:team/sam:pull'],
    'no more is asked for than is needed, whatever the registry says',
  )
})

test('an identity token is posted, and in no address', async (t) => {
  const bodies: unknown[] = []
  const fetch: Fetch = async (url, { method, body, headers }) => {
    if (method === 'POST') {
      bodies.push(body)
      return Response.json({ access_token: 'the-token' })
    }
    t.notRegex(url, /refresh/)
    if ((headers as Record<string, string>).authorization === 'Bearer the-token') return new Response('{}')
    return unauthorized('Bearer realm="https://registry.example/oauth2/token",service="registry.example"')
  }
  const reference = { host: 'registry.example', repository: 'sam', repositoryUri: 'registry.example/sam' }
  await ociSource({ reference, credentials: { identityToken: 'refresh' }, fetch, now: () => 0 }).manifest('1', signal)
  t.deepEqual(Object.fromEntries(new URLSearchParams(String(bodies[0]))), {
    grant_type: 'refresh_token',
    refresh_token: 'refresh',
    service: 'registry.example',
    scope: 'repository:sam:pull',
    client_id: 'mooring',
  })
})

test('Docker Hub is asked where it is, for the names that people write', async (t) => {
  const { asked, source } = registry(() => new Response('{}'), 'docker.io')
  await source.manifest('1', signal)
  t.is(asked[0]?.url, 'https://registry-1.docker.io/v2/team/sam/manifests/1')
})

test('an unknown repository is told from an unknown tag', async (t) => {
  const answering = (code: string) =>
    registry(() => Response.json({ errors: [{ code }] }, { status: 404 })).source.manifest('1', signal)
  t.is(await answering('MANIFEST_UNKNOWN'), undefined)
  await refused(t, answering('NAME_UNKNOWN'), /has no repository team\/sam/)
})

test('work that takes too long may be shorter the next time; what it found out by then counts', async (t) => {
  const waiting = (until: AbortSignal) =>
    new Promise((_, reject) => until.addEventListener('abort', () => reject(until.reason)))
  await t.throwsAsync(timed('Reading', 10, signal, waiting), {
    instanceOf: RegistryUnavailable,
    message: /longer than 0.01 s/,
  })
  const stop = new AbortController()
  const stopped = timed('Reading', 60_000, stop.signal, waiting)
  stop.abort(new Error('stopped'))
  await t.throwsAsync(stopped, { message: 'stopped' })
  const found = new ImageError('ImageNotFound', 'gone')
  await t.throwsAsync(
    timed('Reading', 60_000, signal, () => Promise.reject(found)),
    { is: found },
  )
})
