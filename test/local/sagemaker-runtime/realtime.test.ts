import test from 'ava'
import { ApiError } from '../../../local/service.ts'
import { invokeEndpoint } from '../../../local/services/sagemaker-runtime/invoke.ts'
import { ACCOUNT, REGION, type World, world } from '../sagemaker/world.ts'

const text = (body: unknown) => Buffer.from(body as Uint8Array).toString()
const invoke = (w: World, order: object | string, of = {}) =>
  w.call('InvokeEndpoint', {
    EndpointName: 'a',
    Body: Buffer.from(typeof order === 'string' ? order : JSON.stringify(order)),
    ...of,
  })

test('a real-time request is answered with the container’s body, type and attributes', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const { Body, ...rest } = await invoke(w, 'x', { Accept: 'text/csv', CustomAttributes: 'k=v' })
  t.is(text(Body), 'x')
  t.deepEqual(rest, { ContentType: 'text/csv', InvokedProductionVariant: 'AllTraffic', CustomAttributes: 'k=v' })
  t.is(text((await invoke(w, { chunked: true, answer: 'in pieces' })).Body), 'in pieces')
})

test('an error of the container is a ModelError with its status, its words and its log', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const error = await t.throwsAsync(invoke(w, { status: 413, answer: 'too large' }), {
    instanceOf: ApiError,
    name: 'ModelError',
  })
  t.is(error.status, 424)
  t.true(error.message.startsWith('Received client error (413) from primary with message "too large". See https://'))
  t.deepEqual(error.members, {
    OriginalStatusCode: 413,
    OriginalMessage: 'too large',
    LogStreamArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/sagemaker/Endpoints/a`,
  })
})

test('a container that is late, or ends, is a ModelError too', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const endpoint = w.sagemaker.endpoints.find('a')
  if (!endpoint) return t.fail('no endpoint')
  const deps = {
    accountId: ACCOUNT,
    region: REGION,
    random: () => 0,
    timeoutMs: 300,
    signal: new AbortController().signal,
  }
  await t.throwsAsync(invokeEndpoint(deps, endpoint, { Body: Buffer.from('{"sleepMs":60000}') }), {
    name: 'ModelError',
    message: /Your invocation timed out/,
  })
  await t.throwsAsync(invoke(w, { exit: true }), { name: 'ModelError', message: /closed the connection/ })
})

test('a body over the limit, an unknown variant and an endpoint without a container are refused', async (t) => {
  const w = world(t)
  await w.endpoint('a', { async: false })
  await t.throwsAsync(w.call('InvokeEndpoint', { EndpointName: 'a', Body: Buffer.alloc(6_291_457) }), {
    name: 'ValidationError',
    message: /6291456/,
  })
  await t.throwsAsync(invoke(w, 'x', { TargetVariant: 'none' }), {
    name: 'ValidationError',
    message: 'Variant none not found for endpoint a.',
  })
  const error = await t.throwsAsync(invoke(w, 'x'), { instanceOf: ApiError, name: 'ServiceUnavailable' })
  t.is(error.status, 503)
})
