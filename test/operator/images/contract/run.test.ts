import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type ContractTestInput, contractTest as schema } from '../../../../operator/api/contract-test.ts'
import { sendTo } from '../../../../operator/images/contract/exchange.ts'
import { type Clock, contractTest, InputMissing } from '../../../../operator/images/contract/run.ts'

const ANSWER = JSON.stringify({ label: 'cat' })
type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void
const now = () => performance.now()

/** A container's server on loopback: `ping` and `invoke` say how it answers. */
async function server(t: ExecutionContext, { ping = ok, invoke = answer }: { ping?: Handler; invoke?: Handler } = {}) {
  const http = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.url === '/ping') ping(request, response, body)
    else invoke(request, response, body)
  })
  http.listen(0, '127.0.0.1')
  await new Promise((resolve) => http.once('listening', resolve))
  t.teardown(() => {
    http.closeAllConnections()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, close: () => http.close() }
}

const ok: Handler = (_, response) => response.end()
const answer: Handler = (_, response) =>
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER)

/** Time passes as fast as it is waited for, besides what real requests take. */
function hurried(): Clock {
  let waited = 0
  return {
    now: () => now() + waited,
    delay: async (milliseconds: number, signal: AbortSignal) => {
      await sleep(1, undefined, { signal })
      waited += milliseconds
    },
    signal: new AbortController().signal,
  }
}

const real: Clock = {
  now,
  delay: (milliseconds: number, signal: AbortSignal) => sleep(milliseconds, undefined, { signal }),
  signal: new AbortController().signal,
}

const ONE_CAT = { name: 'one-cat', input: { inline: '{"image":1}' } }

function run(
  url: string,
  block: ContractTestInput = { invocations: [ONE_CAT] },
  { clock = hurried(), input, loopback }: { clock?: Clock; input?: () => Promise<Uint8Array>; loopback?: string } = {},
) {
  return contractTest({
    send: sendTo(url, now),
    ...(loopback ? { loopback: sendTo(loopback, now) } : {}),
    contract: schema.parse(block),
    input: input ?? (async (invocation) => Buffer.from(invocation.input.inline ?? '')),
    clock,
  })
}

const expecting = (expect: object): ContractTestInput => ({ invocations: [{ ...ONE_CAT, expect }] })

test('a server where nobody listens is told to listen, and no request is sent', async (t) => {
  const { url, close } = await server(t)
  close()
  const { verdict, message, phases } = await run(url)
  t.is(verdict, 'Failed')
  t.regex(
    message,
    /^ping: GET \/ping was not good within 240 s\. Nothing listened on port 8080: let the server listen on 0\.0\.0\.0:8080/,
  )
  t.deepEqual(phases[1], { name: 'one-cat', verdict: 'Skipped', message: 'Not sent, since /ping was not good.' })
})

test('a server that listens on loopback only is told so, since SageMaker does not reach it there', async (t) => {
  const { url } = await server(t)
  const { url: elsewhere, close } = await server(t)
  close()
  const { message } = await run(elsewhere, undefined, { loopback: url })
  t.regex(message, /listens on 127\.0\.0\.1 only.*listen on 0\.0\.0\.0:8080/)
})

test('a server that loads for ever, has no /ping or redirects it fails with what it answered', async (t) => {
  const status =
    (code: number): Handler =>
    (_, response) =>
      response.writeHead(code, { location: '/healthz' }).end()
  for (const [code, says] of [
    [503, /It answered 503 to the end: load faster, or raise pingTimeoutSeconds/],
    [404, /It answered 404 at last: answer GET \/ping with 200/],
    [301, /It answered 301 at last/],
  ] as const) {
    const { url } = await server(t, { ping: status(code) })
    const { verdict, message } = await run(url)
    t.is(verdict, 'Failed')
    t.regex(message, says)
  }
})

test('a ping that takes more than two seconds is no good ping', async (t) => {
  const { url } = await server(t, { ping: () => {} })
  const { verdict, message } = await run(url, { pingTimeoutSeconds: 3 }, { clock: real })
  t.is(verdict, 'Failed')
  t.regex(message, /did not answer within 2 s: answer pings beside the loading/)
})

test('pings that are good now and then only are not good', async (t) => {
  let count = 0
  const { url } = await server(t, { ping: (_, response) => response.writeHead(++count % 3 ? 200 : 500).end() })
  const { verdict } = await run(url)
  t.is(verdict, 'Failed')
})

test('a server that answers 503 while it loads and 200 from then on passes', async (t) => {
  let count = 0
  const { url } = await server(t, { ping: (_, response) => response.writeHead(++count > 4 ? 200 : 503).end() })
  const { verdict, phases } = await run(url)
  t.is(verdict, 'Passed')
  t.deepEqual(
    phases.map(({ name, verdict: each }) => [name, each]),
    [
      ['ping', 'Pass'],
      ['one-cat', 'Pass'],
    ],
  )
  t.true((phases[0]?.milliseconds ?? 0) >= 2000)
})

test('“Unhealthy” with status 200 is warned of: SageMaker takes it for good', async (t) => {
  const { url } = await server(t, { ping: (_, response) => response.end('{"status": "Unhealthy"}') })
  const { verdict, message } = await run(url)
  t.is(verdict, 'Passed')
  t.regex(message, /ping: GET \/ping answers 200 and says “unhealthy”/)
})

for (const [title, block, invoke, says] of [
  [
    'another status',
    {},
    (_, r) => r.writeHead(500).end('{"error":\n"no such model"}'),
    /one-cat: It answered 500 in place of 200: “\{"error": "no such model"\}”\./,
  ],
  ['success where the request is wrong on purpose', { status: 400 }, answer, /answered 200 in place of 400/],
  [
    'chunks without a length',
    {},
    (_, r) => {
      r.write('{}')
      r.end()
    },
    /without Content-Length \(chunked\), which asynchronous endpoints refuse/,
  ],
  [
    'more response headers than SageMaker takes',
    {},
    (_, r) => r.writeHead(200, { 'x-trace': 'a'.repeat(5000), 'content-length': 2 }).end('{}'),
    /response headers have 5\d\d\d bytes; asynchronous endpoints refuse more than 4096/,
  ],
  [
    'another content type',
    { contentType: 'image/png' },
    answer,
    /The answer is application\/json; expect\.contentType is image\/png\./,
  ],
  ['too few bytes', { minBytes: 100 }, answer, /has 15 bytes; expect\.minBytes is 100/],
  ['too many bytes', { maxBytes: 3 }, answer, /has 15 bytes; expect\.maxBytes is 3/],
  ['another label', { jsonPath: [{ path: '$.label', equals: 'dog' }] }, answer, /\$\.label is “cat”, not “dog”\./],
  [
    'an answer that is not JSON',
    { jsonPath: [{ path: '$' }] },
    (_, r) => r.writeHead(200, { 'content-length': 2 }).end('no'),
    /The answer is not JSON/,
  ],
  [
    'a late answer',
    { maxLatencyMilliseconds: 20 },
    (...args) => setTimeout(answer, 60, ...args),
    /The answer took \d+ ms; expect\.maxLatencyMilliseconds is 20/,
  ],
  [
    'a connection that breaks',
    {},
    (_, r) => r.destroy(),
    /ended the connection before it had answered\. The server crashed, or closes too early/,
  ],
  [
    'an answer that breaks off',
    {},
    (_, r) => {
      r.writeHead(200, { 'content-length': 100 })
      r.write('{')
      setTimeout(() => r.destroy(), 20)
    },
    /ended the connection before it had answered/,
  ],
] as [string, object, Handler, RegExp][])
  test(`an invocation fails by ${title}`, async (t) => {
    const { url } = await server(t, { invoke })
    const { verdict, message } = await run(url, expecting(block))
    t.is(verdict, 'Failed')
    t.regex(message, says)
  })

test('an answer that does not come is given up after the timeout of its invocation', async (t) => {
  const { url } = await server(t, { invoke: () => {} })
  const { message } = await run(url, { invocations: [{ ...ONE_CAT, timeoutSeconds: 1 }] })
  t.is(message, 'one-cat: It did not answer within 1 s. Answer sooner, or raise the timeoutSeconds of the invocation.')
})

test('what is not sent in the time of the whole fails, and what comes after it is not tried', async (t) => {
  const { url } = await server(t)
  const late = { ...hurried(), now: () => now() + (asked++ > 0 ? 20_000 : 0) }
  let asked = 0
  const { verdict, phases } = await run(
    url,
    { timeoutSeconds: 10, pingTimeoutSeconds: 10, invocations: [ONE_CAT, { ...ONE_CAT, name: 'two-cats' }] },
    { clock: late },
  )
  t.is(verdict, 'Failed')
  t.deepEqual(
    phases.map((phase) => phase.verdict),
    ['Pass', 'Fail', 'Skipped'],
  )
  t.regex(phases[1]?.message ?? '', /raise timeoutSeconds/)
})

test('a server that stops answering pings while it works is warned: SageMaker would replace its instance', async (t) => {
  let busy = false
  const { url } = await server(t, {
    ping: (_, response) => response.writeHead(busy ? 500 : 200).end(),
    invoke: (...args) => {
      busy = true
      setTimeout(answer, 2500, ...args)
    },
  })
  const { verdict, phases } = await run(url, undefined, { clock: real })
  t.is(verdict, 'Passed')
  t.like(phases[1], { verdict: 'Warn' })
  t.regex(phases[1]?.message ?? '', /^While it worked, [12] of [12] pings were not answered.*from another thread\.$/)
})

test('an input that is missing is not held against the image', async (t) => {
  const { url } = await server(t)
  const missing = () => Promise.reject(new InputMissing('Apply a ConfigMap samples.'))
  const { verdict, message } = await run(url, undefined, { input: missing })
  t.is(verdict, 'Error')
  t.is(message, 'one-cat: Apply a ConfigMap samples.')
})

test('the request carries the body and headers that the invocation declares', async (t) => {
  let seen: unknown
  const { url } = await server(t, {
    invoke: (request, response, body) => {
      const { 'content-type': type, accept, 'x-amzn-sagemaker-custom-attributes': attributes } = request.headers
      seen = { method: request.method, url: request.url, type, accept, attributes, body }
      answer(request, response, body)
    },
  })
  const { verdict } = await run(url, {
    invocations: [{ ...ONE_CAT, contentType: 'text/csv', accept: 'application/json', customAttributes: 'task=a' }],
  })
  t.is(verdict, 'Passed')
  t.deepEqual(seen, {
    method: 'POST',
    url: '/invocations',
    type: 'text/csv',
    accept: 'application/json',
    attributes: 'task=a',
    body: '{"image":1}',
  })
})

test('when the server has ended, the requests that follow are not tried', async (t) => {
  const { url, close } = await server(t, {
    invoke: (...args) => {
      answer(...args)
      close()
    },
  })
  const { phases } = await run(url, { invocations: ['a', 'b', 'c'].map((name) => ({ ...ONE_CAT, name })) })
  t.deepEqual(
    phases.map((phase) => phase.verdict),
    ['Pass', 'Pass', 'Fail', 'Skipped'],
  )
  t.regex(phases[2]?.message ?? '', /Nothing listens there\. The server has ended/)
})
