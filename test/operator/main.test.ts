import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { parse, stringify } from 'yaml'
import type { AsyncInferenceEndpoint } from '../../operator/api/async-inference-endpoint.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../operator/api/names.ts'
import { connect } from '../../operator/kube/client.ts'
import { testCluster } from '../kubernetes.ts'
import { aModelImage, anEndpoint } from './api/manifests.ts'
import { cloudForFile, endpointIn, isTrue } from './controllers/world.ts'
import { operatorProcess } from './process.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

function start(t: ExecutionContext, environment: Record<string, string>) {
  const operator = operatorProcess({
    ...cloud.environment,
    KUBECONFIG: testCluster().kubeconfigPath,
    ...environment,
  })
  t.teardown(() => operator.kill())
  return operator
}

async function applied(namespace: string) {
  const kube = connect({ kubeconfigPath: testCluster().kubeconfigPath })
  await kube.create(MODEL_IMAGES, aModelImage(namespace), namespace)
  await kube.create(ASYNC_INFERENCE_ENDPOINTS, anEndpoint(namespace), namespace)
  return () => kube.get<AsyncInferenceEndpoint>(ASYNC_INFERENCE_ENDPOINTS, { namespace, name: 'segment' })
}

test('it serves its probes and metrics, reconciles, and ends cleanly on SIGTERM', async (t) => {
  const namespace = await testCluster().namespace('main')
  const operator = start(t, {
    MOORING_NAMESPACE: namespace,
    MOORING_LEADER_ELECTION: 'true',
    MOORING_LEASE_NAMESPACE: namespace,
  })
  const { address = '' } = await operator.saw('serving')
  await operator.saw('reconciling')
  for (const path of ['/healthz', '/readyz', '/metrics']) t.is((await fetch(address + path)).status, 200, path)
  const get = await applied(namespace)
  await operator.saw('the endpoint is in service')
  t.truthy((await get()).status?.endpointArn)
  operator.child.kill('SIGTERM')
  const [code] = await once(operator.child, 'exit')
  t.is(code, 0)
  t.is(operator.lines.filter(({ level }) => level >= 50).length, 0, 'no error was logged')
})

test('killed right after it created the endpoint, its successor goes on with that one', async (t) => {
  const namespace = await testCluster().namespace('main')
  const first = start(t, { MOORING_NAMESPACE: namespace })
  await first.saw('reconciling')
  const get = await applied(namespace)
  const { resource = '' } = await first.saw('creating the endpoint')
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const made = endpointIn(cloud, resource)
  t.truthy(made)
  const second = start(t, { MOORING_NAMESPACE: namespace })
  for (const end = Date.now() + 60_000; !isTrue(await get(), 'Ready'); await delay(50))
    if (Date.now() > end) throw new Error(`not Ready within a minute: ${JSON.stringify(second.lines)}`)
  t.is(endpointIn(cloud, resource)?.CreationTime, made?.CreationTime)
})

test('a wrong environment ends it at once with what is wrong', async (t) => {
  const operator = start(t, { MOORING_WORKERS: 'many' })
  let said = ''
  operator.child.stderr?.on('data', (chunk: Uint8Array) => {
    said += String(chunk)
  })
  const [code] = await once(operator.child, 'close')
  t.not(code, 0)
  t.regex(said, /MOORING_WORKERS must be a whole number from 1 to 256/)
})

test('an operator that may not read which cluster this is does not start, and says what to do', async (t) => {
  const kubeconfig = parse(await readFile(testCluster().kubeconfigPath, 'utf8'))
  for (const { user } of kubeconfig.users) user.as = 'nobody-in-particular'
  const path = join(await mkdtemp(join(tmpdir(), 'mooring-')), 'kubeconfig')
  await writeFile(path, stringify(kubeconfig), { mode: 0o600 })
  const operator = start(t, { KUBECONFIG: path })
  const { level } = await operator.saw('cannot start')
  t.is(level, 60)
  const said = operator.lines.find(({ msg }) => msg === 'cannot start')?.err?.message ?? ''
  t.regex(said, /Set MOORING_CLUSTER_ID/)
  const code = operator.child.exitCode ?? (await once(operator.child, 'exit'))[0]
  t.is(code, 1)
})
