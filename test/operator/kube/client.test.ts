import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { parse, stringify } from 'yaml'
import { connect } from '../../../operator/kube/client.ts'
import { KubeError } from '../../../operator/kube/errors.ts'
import { testCluster } from '../../kubernetes.ts'
import { CONFIG_MAPS, configMap, impostor, reply, wire } from './support.ts'

const cluster = testCluster()

test('requests one after the other share a connection, and those at once a few', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  const client = connect({ kubeconfigPath: line.kubeconfigPath })
  for (let index = 0; index < 20; index++) await client.list(CONFIG_MAPS, { namespace })
  // A pause of seconds between two requests may cost a connection; one for each request is what must not be.
  t.true(line.accepted() <= 3, `${line.accepted()} connections for 20 requests in a row`)
  const work = async (worker: number) => {
    for (let index = 0; index < 10; index++) {
      await client.create(CONFIG_MAPS, configMap(namespace, `object-${worker}-${index}`), namespace)
    }
  }
  await Promise.all(Array.from({ length: 4 }, (_, worker) => work(worker)))
  t.true(line.connections() <= 8, `${line.connections()} connections open after 60 requests`)
})

test('a connection that was forgotten on the way costs the request that it carries, and no other', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  const client = connect({ kubeconfigPath: line.kubeconfigPath, requestTimeoutMs: 4_000 })
  await client.list(CONFIG_MAPS, { namespace })
  const dead = line.connections()
  line.deafen()
  const failed = () =>
    client.list(CONFIG_MAPS, { namespace }).then(
      () => 0,
      (error: Error) => (error.name === 'TimeoutError' ? 1 : Promise.reject(error)),
    )
  let failures = 0
  for (let index = 0; index < 5; index++) failures += await failed()
  t.true(failures <= dead, `${failures} requests failed for ${dead} dead connections`)
})

test('a client certificate that is renewed in its file is used without a restart, on a new connection', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  const kubeconfig = parse(await readFile(line.kubeconfigPath, 'utf8'))
  const [{ user }] = kubeconfig.users
  const folder = await mkdtemp(join(tmpdir(), 'mooring-certificate-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const certificate = join(folder, 'tls.crt')
  const valid = Buffer.from(user['client-certificate-data'], 'base64')
  await writeFile(certificate, valid)
  delete user['client-certificate-data']
  user['client-certificate'] = certificate
  await writeFile(line.kubeconfigPath, stringify(kubeconfig))
  const client = connect({ kubeconfigPath: line.kubeconfigPath })
  await client.list(CONFIG_MAPS, { namespace })
  const before = line.accepted()
  // The same certificate in other bytes: PEM may carry remarks before it.
  await writeFile(certificate, Buffer.concat([Buffer.from('renewed\n'), valid]))
  await client.list(CONFIG_MAPS, { namespace })
  t.is(line.accepted(), before + 1)
})

test('a refusal says what the API server said, and one by a proxy what can be said', async (t) => {
  const answers = [
    { status: 422, body: JSON.stringify({ reason: 'Invalid', message: 'spec.image is immutable' }), headers: {} },
    { status: 502, body: `<html>${'x'.repeat(100_000)}</html>`, headers: { 'retry-after': '3' } },
  ]
  const server = await impostor(({ response }) => {
    const next = answers.shift()
    response.writeHead(next?.status ?? 500, next?.headers).end(next?.body)
  })
  t.teardown(() => server.stop())
  const client = connect({ kubeconfigPath: server.kubeconfigPath })
  t.like(await t.throwsAsync(client.list(CONFIG_MAPS), { instanceOf: KubeError }), {
    code: 422,
    reason: 'Invalid',
    message: 'spec.image is immutable',
    retryAfter: undefined,
  })
  t.like(await t.throwsAsync(client.list(CONFIG_MAPS), { instanceOf: KubeError }), {
    code: 502,
    message: 'the API server answered 502',
    retryAfter: 3000,
  })
})

test('a kubeconfig without a cluster is said to be one', async (t) => {
  const server = await impostor(({ response }) => reply(response, 200, {}))
  t.teardown(() => server.stop())
  await writeFile(server.kubeconfigPath, JSON.stringify({ apiVersion: 'v1', kind: 'Config' }))
  await t.throwsAsync(connect({ kubeconfigPath: server.kubeconfigPath }).list(CONFIG_MAPS), {
    message: /no current cluster/,
  })
})

test('a list by label holds what carries it, and nothing else', async (t) => {
  const namespace = await cluster.namespace()
  const client = connect({ kubeconfigPath: cluster.kubeconfigPath })
  for (const color of ['red', 'blue']) {
    const object = configMap(namespace, color)
    await client.create(CONFIG_MAPS, { ...object, metadata: { ...object.metadata, labels: { color } } }, namespace)
  }
  const { items } = await client.list(CONFIG_MAPS, { namespace, labelSelector: 'color=red' })
  t.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['red'],
  )
})

test('a deletion that names a UID leaves another object of that name alone', async (t) => {
  const namespace = await cluster.namespace()
  const client = connect({ kubeconfigPath: cluster.kubeconfigPath })
  await client.create(CONFIG_MAPS, configMap(namespace, 'one'), namespace)
  const key = { namespace, name: 'one' }
  const error = await t.throwsAsync(client.delete(CONFIG_MAPS, key, { uid: 'another' }), { instanceOf: KubeError })
  t.is(error?.code, 409)
  const { metadata } = await client.get(CONFIG_MAPS, key)
  await client.delete(CONFIG_MAPS, key, { uid: metadata.uid, propagationPolicy: 'Background' })
  await t.throwsAsync(client.get(CONFIG_MAPS, key), { message: /not found/ })
})
