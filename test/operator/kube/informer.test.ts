import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { connect } from '../../../operator/kube/client.ts'
import { type Informer, type InformerOptions, informer } from '../../../operator/kube/informer.ts'
import { testCluster } from '../../kubernetes.ts'
import {
  CONFIG_MAPS,
  type ConfigMap,
  configMap,
  type Exchange,
  eventually,
  impostor,
  listOf,
  reply,
  silent,
  wire,
} from './support.ts'

const cluster = testCluster()
const direct = connect({ kubeconfigPath: cluster.kubeconfigPath })
const QUICK = { firstBackoffMs: 20, maxBackoffMs: 100 }

function started(
  t: ExecutionContext,
  options: Partial<InformerOptions> & { kubeconfigPath?: string },
): Informer<ConfigMap> {
  const { kubeconfigPath = cluster.kubeconfigPath, ...rest } = options
  const made = informer<ConfigMap>({
    client: connect({ kubeconfigPath }),
    resource: CONFIG_MAPS,
    log: silent,
    timing: QUICK,
    ...rest,
  })
  made.start()
  t.teardown(() => made.stop())
  return made
}

test('a watch that is cut loses nothing: what changed meanwhile arrives, what went is gone', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  await direct.create(CONFIG_MAPS, configMap(namespace, 'stays', { v: '1' }), namespace)
  await direct.create(CONFIG_MAPS, configMap(namespace, 'goes'), namespace)
  const seen = started(t, { kubeconfigPath: line.kubeconfigPath, namespace })
  await eventually('first list', () => seen.list().some((object) => object.metadata.name === 'goes'))

  line.close()
  await direct.mergePatch(CONFIG_MAPS, { namespace, name: 'stays' }, { data: { v: '2' } })
  await direct.delete(CONFIG_MAPS, { namespace, name: 'goes' })
  await direct.create(CONFIG_MAPS, configMap(namespace, 'comes'), namespace)
  line.open()

  await eventually('the newest state', () => {
    const names = seen.list().map((object) => object.metadata.name)
    return names.includes('comes') && !names.includes('goes') && seen.get(`${namespace}/stays`)?.data?.v === '2'
  })
  t.pass()
})

test('cuts again and again leave one watch, not a storm of them', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  const seen = started(t, { kubeconfigPath: line.kubeconfigPath, namespace })
  for (let index = 0; index < 10; index++) {
    await direct.create(CONFIG_MAPS, configMap(namespace, `number-${index}`), namespace)
    await eventually(`number-${index}`, () => seen.get(`${namespace}/number-${index}`) !== undefined)
    line.cut()
  }
  await direct.create(CONFIG_MAPS, configMap(namespace, 'last'), namespace)
  await eventually('last', () => seen.get(`${namespace}/last`) !== undefined)
  t.true(line.connections() <= 2, `${line.connections()} connections`)
})

test('an API server that is away when the informer starts is waited for', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  line.close()
  const seen = started(t, { kubeconfigPath: line.kubeconfigPath, namespace })
  t.false(seen.synced())
  line.open()
  await eventually('synced', () => seen.synced())
  t.pass()
})

test('410 at the start of a watch, and as an event in it, both lead to a new list at once', async (t) => {
  let lists = 0
  let watches = 0
  const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }
  const server = await impostor(({ list, response }) => {
    if (list) return reply(response, 200, listOf(String(++lists), [`list-${lists}`]))
    if (++watches === 1) return reply(response, 410, gone)
    response.writeHead(200)
    if (watches === 2) return response.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`)
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } })}\n`)
  })
  t.teardown(() => server.stop())
  const seen = started(t, { kubeconfigPath: server.kubeconfigPath, timing: { firstBackoffMs: 1, maxBackoffMs: 1 } })
  await eventually('the third list', () => seen.get('n/list-3') !== undefined)
  t.deepEqual(server.requests.slice(0, 5), ['list', 'watch', 'list', 'watch', 'list'])
  t.deepEqual(
    seen.list().map((object) => object.metadata.name),
    ['list-3'],
  )
})

test('a list that fails takes nothing away, and is tried again', async (t) => {
  const answers: ((exchange: Exchange) => void)[] = [
    ({ response }) => reply(response, 200, listOf('1', ['kept'])),
    ({ response }) => response.destroy(),
    ({ response }) => reply(response, 500, { kind: 'Status', reason: 'InternalError', message: 'etcd is away' }),
    // A 429 with Retry-After, then the second page of a list fails: half a list is not evidence of absence.
    ({ response }) => reply(response, 429, { reason: 'TooManyRequests' }, { 'retry-after': '0' }),
    ({ response }) => reply(response, 200, listOf('2', [], 'more')),
    ({ response }) => reply(response, 503, {}),
  ]
  const kept: boolean[] = []
  let seen: Informer<ConfigMap> | undefined
  const server = await impostor((exchange) => {
    if (seen && server.requests.length > 1) kept.push(seen.get('n/kept') !== undefined)
    const next = answers.shift()
    if (next) return next(exchange)
    if (exchange.list) return reply(exchange.response, 200, listOf('3', ['kept', 'new']))
    exchange.response.writeHead(200).flushHeaders()
  })
  t.teardown(() => server.stop())
  seen = started(t, { kubeconfigPath: server.kubeconfigPath })
  await eventually('recovered', () => seen?.get('n/new') !== undefined)
  t.true(kept.length >= 5)
  t.true(kept.every(Boolean))
})

test('a line that is not JSON, in the middle of a watch, leads to a new list rather than to silence', async (t) => {
  let watches = 0
  const server = await impostor(({ list, response }) => {
    if (list) return reply(response, 200, listOf('1', watches > 0 ? ['after'] : ['before']))
    response.writeHead(200)
    response.write(++watches === 1 ? '{"type": "MODI\n' : '')
    response.flushHeaders()
  })
  t.teardown(() => server.stop())
  const seen = started(t, { kubeconfigPath: server.kubeconfigPath })
  await eventually('listed again', () => seen.get('n/after') !== undefined)
  t.pass()
})

test('a watch that is refused again and again is asked for less and less, although every list succeeds', async (t) => {
  const server = await impostor(({ list, response }) => {
    if (list) return reply(response, 200, listOf('1', ['a']))
    reply(response, 500, { kind: 'Status', reason: 'InternalError', message: 'no watches today' })
  })
  t.teardown(() => server.stop())
  const waits: number[] = []
  const log = { ...silent, warn: (fields: object) => void waits.push((fields as { retryInMs: number }).retryInMs) }
  started(t, {
    kubeconfigPath: server.kubeconfigPath,
    log,
    random: () => 0.5,
    timing: { firstBackoffMs: 1, maxBackoffMs: 8 },
  })
  await eventually('six refusals', () => waits.length >= 6)
  t.deepEqual(waits.slice(0, 6), [1, 2, 4, 8, 8, 8])
})

test('a resourceVersion that is always too old leads to one list at once, and to a wait before each further one', async (t) => {
  const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }
  const server = await impostor(({ list, response }) =>
    list ? reply(response, 200, listOf('1', ['a'])) : reply(response, 410, gone),
  )
  t.teardown(() => server.stop())
  const seen = started(t, {
    kubeconfigPath: server.kubeconfigPath,
    timing: { firstBackoffMs: 3_600_000, maxBackoffMs: 3_600_000 },
  })
  await eventually('the second watch', () => server.requests.length >= 4)
  await seen.stop()
  t.deepEqual(server.requests, ['list', 'watch', 'list', 'watch'])
})

test('Retry-After lengthens the wait and never shortens it', async (t) => {
  const server = await impostor(({ response }) =>
    reply(response, 429, { reason: 'TooManyRequests' }, { 'retry-after': server.requests.length === 1 ? '2' : '0' }),
  )
  t.teardown(() => server.stop())
  const waits: number[] = []
  const log = { ...silent, warn: (fields: object) => void waits.push((fields as { retryInMs: number }).retryInMs) }
  started(t, {
    kubeconfigPath: server.kubeconfigPath,
    log,
    random: () => 0.5,
    timing: { firstBackoffMs: 100, maxBackoffMs: 5000 },
  })
  await eventually('two refusals', () => waits.length >= 2)
  t.deepEqual(waits.slice(0, 2), [2000, 200])
})

test('a watch begins as soon as the list is there', async (t) => {
  const server = await impostor(({ list, response }) => {
    if (list) return reply(response, 200, listOf('1', ['a']))
    response.writeHead(200).flushHeaders()
  })
  t.teardown(() => server.stop())
  started(t, {
    kubeconfigPath: server.kubeconfigPath,
    timing: { firstBackoffMs: 3_600_000, maxBackoffMs: 3_600_000 },
  })
  await eventually('the watch', () => server.requests.includes('watch'))
  t.pass()
})

test('a server that ends every watch at once is not asked in a tight loop', async (t) => {
  const server = await impostor(({ list, response }) => {
    if (list) return reply(response, 200, listOf('1', ['a']))
    response.writeHead(200)
    response.end(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '2' } } })}\n`)
  })
  t.teardown(() => server.stop())
  const seen = started(t, {
    kubeconfigPath: server.kubeconfigPath,
    timing: { firstBackoffMs: 3_600_000, maxBackoffMs: 3_600_000 },
  })
  await eventually('the first watch', () => server.requests.length === 2)
  await delay(100)
  await seen.stop()
  t.deepEqual(server.requests, ['list', 'watch'])
})

test('a connection that has gone silent is replaced', async (t) => {
  const server = await impostor(({ list, response }) => {
    if (list) return reply(response, 200, listOf('1', ['a']))
    response.writeHead(200).flushHeaders()
  })
  t.teardown(() => server.stop())
  started(t, { kubeconfigPath: server.kubeconfigPath, timing: { ...QUICK, watchSeconds: 0, graceMs: 50 } })
  await eventually('another watch', () => server.requests.filter((kind) => kind === 'watch').length >= 3)
  t.pass()
})

test('an informer that hears nothing for long says that it is deaf', async (t) => {
  const server = await impostor(({ response }) => reply(response, 500, {}))
  t.teardown(() => server.stop())
  let now = 0
  const seen = started(t, { kubeconfigPath: server.kubeconfigPath, now: () => now, timing: { ...QUICK, deafMs: 1000 } })
  t.true(seen.healthy())
  await eventually('some tries', () => server.requests.length > 2)
  now = 1001
  t.false(seen.healthy())
})

test('a handler that throws neither stops the others nor the watch', async (t) => {
  const namespace = await cluster.namespace()
  const seen = informer<ConfigMap>({ client: direct, resource: CONFIG_MAPS, namespace, log: silent, timing: QUICK })
  const heard: string[] = []
  seen.onChange(() => {
    throw new Error('no')
  })
  seen.onChange((key) => heard.push(key))
  seen.start()
  t.teardown(() => seen.stop())
  await eventually('synced', () => seen.synced())
  for (const name of ['one', 'two']) await direct.create(CONFIG_MAPS, configMap(namespace, name), namespace)
  await eventually('both heard', () => heard.includes(`${namespace}/one`) && heard.includes(`${namespace}/two`))
  t.pass()
})

test('stopping in the middle of a backoff leaves no watch behind', async (t) => {
  const server = await impostor(({ response }) => reply(response, 500, {}))
  t.teardown(() => server.stop())
  const seen = started(t, {
    kubeconfigPath: server.kubeconfigPath,
    timing: { firstBackoffMs: 60_000, maxBackoffMs: 60_000 },
  })
  await eventually('a failed list', () => server.requests.length === 1)
  await seen.stop()
  t.is(server.requests.length, 1)
})

test('a long list comes in pages, and what is read is a copy without managedFields', async (t) => {
  const namespace = await cluster.namespace()
  for (let index = 0; index < 7; index++) {
    await direct.create(CONFIG_MAPS, configMap(namespace, `page-${index}`, { v: 'x' }), namespace)
  }
  const seen = started(t, { namespace, timing: { ...QUICK, pageSize: 2 } })
  await eventually('synced', () => seen.synced())
  t.true(seen.list().filter((object) => object.metadata.name.startsWith('page-')).length === 7)
  const one = seen.get(`${namespace}/page-0`)
  t.false('managedFields' in (one?.metadata ?? {}))
  if (one) one.data = {}
  t.deepEqual(seen.get(`${namespace}/page-0`)?.data, { v: 'x' })
  t.is(one?.kind, 'ConfigMap')
})
