import type { lookup } from 'node:dns'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { MAX_PAGES } from '../../../../operator/images/bounds.ts'
import { inspect } from '../../../../operator/images/inspect.ts'
import { registryFetch } from '../../../../operator/images/oci/fetch.ts'
import type { Credentials } from '../../../../operator/images/oci/pull-secret.ts'
import { ociSource } from '../../../../operator/images/oci/source.ts'
import { type Blob, imageOf } from '../../../oci-images.ts'

const fetch = registryFetch()
const signal = AbortSignal.timeout(120_000)
const AMD64 = { os: 'linux', architecture: 'amd64' }
const USER: Credentials = { username: 'me', password: 'correct-horse' }
const IMAGE = imageOf()

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => unknown

/** A server that answers as the test wants. */
async function server(t: ExecutionContext, handler: Handler): Promise<string> {
  const made = createServer((request, response) => {
    response.on('error', () => {})
    void handler(request, response, new URL(request.url ?? '/', 'http://server'))
  })
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    made.closeAllConnections()
    await new Promise((resolve) => made.close(resolve))
  })
  return `127.0.0.1:${(made.address() as AddressInfo).port}`
}

/** A busy machine takes its time: only who waits for nothing waits briefly. */
const PATIENT = { headers: 60_000, idle: 60_000, answer: 60_000 }

function sourceAt(host: string, credentials?: Credentials, timeouts = PATIENT) {
  return ociSource({
    reference: { host, repository: 'team/sam', repositoryUri: `${host}/team/sam` },
    credentials,
    fetch,
    now: () => 0,
    plainHttp: [host],
    timeouts,
  })
}

/** Reads a whole image from it, which must end with that error. */
async function refused(
  t: ExecutionContext,
  host: string,
  name: string,
  message: RegExp,
  credentials?: Credentials,
  timeouts = PATIENT,
) {
  const error = await t.throwsAsync(inspect(sourceAt(host, credentials, timeouts), { tag: '1' }, AMD64, signal), {
    name,
  })
  t.regex(error?.message ?? '', message)
  t.true((error?.message.length ?? 0) <= 300, 'a condition has room for it')
  t.notRegex(`${error?.stack} ${(error?.cause as Error | undefined)?.stack}`, /correct-horse|bWU6Y29y/)
  return error
}

function send(response: ServerResponse, { bytes, mediaType }: Blob): void {
  response.writeHead(200, { 'content-type': mediaType, 'content-length': bytes.byteLength })
  response.end(bytes)
}

/** An honest registry of one image, but for what the handler answers itself. */
const honest =
  (handler: Handler): Handler =>
  (request, response, url) => {
    handler(request, response, url)
    if (response.headersSent || response.writableEnded) return
    if (url.pathname.includes('/manifests/')) send(response, IMAGE.manifest)
    else send(response, IMAGE.config)
  }
const at = (path: string, then: Handler): Handler =>
  honest((request, response, url) => (url.pathname.includes(path) ? then(request, response, url) : undefined))
const redirect =
  (location: string, status = 307): Handler =>
  (_, response) =>
    response.writeHead(status, { location }).end()

/** Sends without an end, as fast as it is read. */
const endless: Handler = (_, response) => {
  response.writeHead(200, { 'content-type': IMAGE.manifest.mediaType })
  const piece = Buffer.alloc(65_536, 0x20)
  const more = () => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}

test('a manifest without an end is given up', async (t) => {
  await refused(t, await server(t, at('/manifests/', endless)), 'ImageError', /a manifest of more than 4194304 bytes/)
})

test('a configuration without an end is given up', async (t) => {
  await refused(t, await server(t, at('/blobs/', endless)), 'ImageError', /configuration is larger than/)
})

test('a small answer that unpacks to a huge one is given up at the same size', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  const host = await server(
    t,
    at('/manifests/', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)),
  )
  await refused(t, host, 'ImageError', /a manifest of more than 4194304 bytes/)
})

test('a registry that takes the connection and says nothing is given up', async (t) => {
  const silent = await server(t, () => {})
  const brief = { ...PATIENT, headers: 500 }
  await refused(t, silent, 'RegistryUnavailable', /did not answer within 500 ms/, undefined, brief)
})

test('an answer that stops in the middle, and one that drips, are given up', async (t) => {
  const late = /cannot be read \(it took too long\)/
  const stops: Handler = (_, response) => response.writeHead(200).write('{')
  const brief = { ...PATIENT, idle: 500 }
  await refused(t, await server(t, at('/blobs/', stops)), 'RegistryUnavailable', late, undefined, brief)
  const drips: Handler = (_, response) => {
    response.writeHead(200).write('{')
    const timer = setInterval(() => response.write(' '), 100)
    response.once('close', () => clearInterval(timer))
  }
  const short = { ...PATIENT, answer: 1_000 }
  await refused(t, await server(t, at('/manifests/', drips)), 'RegistryUnavailable', late, undefined, short)
})

test('an answer that is cut off may be whole the next time', async (t) => {
  const cut: Handler = (_, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('{')
    setTimeout(() => response.destroy(), 50)
  }
  await refused(t, await server(t, at('/manifests/', cut)), 'RegistryUnavailable', /cannot be read/)
})

test('nobody at the address may be somebody the next time', async (t) => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  await refused(t, `127.0.0.1:${port}`, 'RegistryUnavailable', /cannot be read \(ECONNREFUSED\)/)
})

test('a configuration under a wrong digest is not used', async (t) => {
  const other = imageOf({ config: { Entrypoint: ['steal'] } })
  const host = await server(
    t,
    at('/blobs/', (_, response) => send(response, other.config)),
  )
  await refused(t, host, 'ImageError', /other content than sha256:/)
})

test('redirects are followed, five of them', async (t) => {
  let hops = 0
  const host = await server(
    t,
    at('/blobs/', (_, response, url) => {
      if (url.searchParams.get('hop') === '5') return send(response, IMAGE.config)
      hops++
      redirect(`?hop=${Number(url.searchParams.get('hop') ?? 0) + 1}`)(_, response, url)
    }),
  )
  t.is((await inspect(sourceAt(host), { tag: '1' }, AMD64, signal)).digest, IMAGE.digest)
  t.is(hops, 5)
  const loop = await server(
    t,
    at('/blobs/', (_, response, url) => redirect(url.pathname)(_, response, url)),
  )
  await refused(t, loop, 'ImageError', /redirects more than 5 times/)
})

const FORBIDDEN: Record<string, [target: string, message: RegExp]> = {
  'the metadata service': ['http://169.254.169.254/latest/meta-data/', /link-local/],
  'the metadata service, in hexadecimal': ['http://0xa9fea9fe/latest', /link-local/],
  'the metadata service, as a mapped address': ['https://[::ffff:169.254.169.254]/', /link-local/],
  'the metadata service by IPv6': ['http://[fd00:ec2::254]/latest/meta-data/', /link-local/],
  'the Pods’ credentials': ['http://169.254.170.23/v1/credentials', /link-local/],
  'an address without TLS': ['http://registry.example/x', /without TLS/],
  'a file': ['file:///etc/passwd', /without TLS/],
  'an address with a password': ['https://a:b@registry.example/', /a password in it/],
}

for (const [what, [target, message]] of Object.entries(FORBIDDEN)) {
  test(`a redirect is not followed to ${what}`, async (t) => {
    await refused(t, await server(t, at('/blobs/', redirect(target))), 'ImageError', message)
  })
  test(`no token is asked for at ${what}`, async (t) => {
    const asks: Handler = (_, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${target}",service="x"` }).end()
    await refused(t, await server(t, asks), 'ImageError', message, USER)
  })
}

test('a registry at a link-local address is not asked at all', async (t) => {
  await refused(t, '169.254.169.254', 'ImageError', /link-local/)
})

test('a name that stands for a link-local address is not asked, whenever it comes to stand for it', async (t) => {
  let resolved = 0
  const resolve = ((_name: string, _options: object, callback: (error: null, addresses: object[]) => void) => {
    resolved++
    callback(null, [{ address: '169.254.169.254', family: 4 }])
  }) as unknown as typeof lookup
  const reference = { host: 'registry.example', repository: 'sam', repositoryUri: 'registry.example/sam' }
  const source = ociSource({ reference, fetch: registryFetch(resolve), now: () => 0 })
  await t.throwsAsync(source.manifest('1', signal), { name: 'ImageError', message: /link-local/ })
  t.is(resolved, 1)
})

test('a password goes to its own host alone, whatever redirects say', async (t) => {
  const seen: string[] = []
  const storage = await server(t, (request, response) => {
    seen.push(`storage ${request.headers.authorization}`)
    send(response, IMAGE.config)
  })
  const host = await server(t, (request, response, url) => {
    const { authorization } = request.headers
    if (!authorization) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    else if (url.pathname.includes('/blobs/')) redirect(`http://${storage}/x`)(request, response, url)
    else {
      seen.push(`registry ${authorization.split(' ')[0]}`)
      send(response, IMAGE.manifest)
    }
  })
  await inspect(sourceAt(host, USER), { tag: '1' }, AMD64, signal)
  t.deepEqual(seen, ['registry Basic', 'storage undefined'])
})

test('storage that refuses does not get to ask for the password', async (t) => {
  let passwords = 0
  const storage = await server(t, (request, response) => {
    if (request.headers.authorization) passwords++
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
  })
  const host = await server(t, at('/blobs/', redirect(`http://${storage}/x`)))
  await refused(t, host, 'ImageError', /refuses the credentials|answered 401/, USER)
  t.is(passwords, 0)
})

test('a registry that refuses every token is asked twice, not for ever', async (t) => {
  let asked = 0
  const host: string = await server(t, (_, response, url) => {
    if (url.pathname === '/token') return response.writeHead(200).end('{"token":"x"}')
    asked++
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end()
  })
  await refused(t, host, 'ImageError', /answered 401/)
  t.is(asked, 2)
})

const TOKEN_ANSWERS: Record<string, string> = {
  'no JSON': '<html>',
  'no token': '{}',
  'a token of another type': '{"token":5}',
  'a token with a line break': '{"token":"a\\r\\nx-evil: 1"}',
  'a token without an end': 'x'.repeat(100_000),
}
for (const [what, answer] of Object.entries(TOKEN_ANSWERS))
  test(`a token server that gives ${what} ends in a sentence`, async (t) => {
    const host: string = await server(t, (_, response, url) => {
      if (url.pathname === '/token') return response.writeHead(200).end(answer)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end()
    })
    await refused(t, host, 'ImageError', /token server that gives no token/)
  })

test('who says nothing of how to sign in is said so', async (t) => {
  for (const challenge of ['', 'Negotiate', 'Bearer', 'Bearer realm="not an address"', '"]]'.repeat(5000)]) {
    const host = await server(t, (_, response) => response.writeHead(401, { 'www-authenticate': challenge }).end())
    await refused(t, host, 'ImageError', /how to sign in|where there is one/, USER)
  }
})

test('a registry that asks for patience is left alone as long as it says, and an hour at most', async (t) => {
  for (const [header, expected] of [
    ['7', 7_000],
    ['999999999', 3_600_000],
    ['Thu, 01 Jan 1970 00:01:00 GMT', 60_000],
    ['soon', undefined],
  ] as const) {
    const host = await server(t, (_, response) => response.writeHead(429, { 'retry-after': header }).end())
    const error = await refused(t, host, 'RegistryUnavailable', /limits the rate of requests/)
    t.is((error as { retryAfterMs?: number }).retryAfterMs, expected)
  }
  const broken = await server(t, (_, response) => response.writeHead(503).end())
  await refused(t, broken, 'RegistryUnavailable', /answered 503/)
})

test('a listing without an end stops at the bound, and leads to no other host', async (t) => {
  let pages = 0
  const link =
    (target: string): Handler =>
    (_, response) => {
      pages++
      const tags = [`t${pages}`, 'same', 'not a tag!', 5, null]
      response.writeHead(200, { link: `<${target}>; rel="next"` }).end(JSON.stringify({ tags }))
    }
  const tags = await sourceAt(await server(t, link('/v2/team/sam/tags/list?n=1000&last=x'))).tags(signal)
  t.is(pages, MAX_PAGES)
  t.is(tags.length, MAX_PAGES + 1)
  pages = 0
  await sourceAt(await server(t, link('http://127.0.0.1:1/v2/'))).tags(signal)
  t.is(pages, 1)
})
