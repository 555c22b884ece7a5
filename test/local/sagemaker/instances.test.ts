import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { JsonObject } from '../../../local/service.ts'
import { arn, ended, eventually, image, running, type World, world } from './world.ts'

const ping =
  'The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.'

/** A container is asked for its environment, headers and process id. */
async function asked(
  w: World,
  name: string,
): Promise<{ environment: Record<string, string>; headers: Record<string, string>; pid: number }> {
  const answer = await w.call('InvokeEndpoint', {
    EndpointName: name,
    Body: Buffer.from('{"environment":true}'),
    CustomAttributes: 'k=v',
    InferenceId: 'id-1',
  })
  return JSON.parse(Buffer.from(answer.Body as Uint8Array).toString())
}
const started = (w: World, name: string) => w.lines(name).filter((line) => line === 'started with serve').length

test('an instance is a process run with serve, its own environment and its own log stream', async (t) => {
  const w = world(t)
  process.env.MOORING_TEST_SECRET = 'of the person at the laptop'
  const archive = join(mkdtempSync(join(tmpdir(), 'mooring-test-')), 'model.tar.gz')
  writeFileSync(join(archive, '..', 'weights'), 'x')
  execFileSync('tar', ['-czf', archive, '-C', join(archive, '..'), 'weights'])
  w.objects.set('s3://bucket/model.tar.gz', { body: readFileSync(archive) })
  w.images.set('configured', {
    ...image('configured', w.images.get('echo')?.command ?? [], { FROM_IMAGE: '1', BOTH: 'image' }),
  })
  await w.endpoint('a', {
    repository: 'configured',
    async: false,
    container: { Environment: { FROM_MODEL: '1', BOTH: 'model' }, ModelDataUrl: 's3://bucket/model.tar.gz' },
  })
  const { environment, headers } = await asked(w, 'a')
  t.like(environment, {
    FROM_IMAGE: '1',
    FROM_MODEL: '1',
    BOTH: 'model',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
  })
  t.is(environment.MOORING_TEST_SECRET, undefined)
  t.is(environment.HOME, undefined)
  t.true(existsSync(join(String(environment.SAGEMAKER_BASE_DIR), 'model', 'weights')))
  t.like(headers, { 'x-amzn-sagemaker-custom-attributes': 'k=v', 'x-amzn-sagemaker-inference-id': 'id-1' })
  t.regex(w.streams('a')[0] ?? '', /^AllTraffic\/i-[0-9a-f]{17}$/)
  t.true(w.lines('a').includes('started with serve'))
  t.true(w.lines('a').includes('a line of standard error'))
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
  await eventually(
    () => !existsSync(String(environment.SAGEMAKER_BASE_DIR)) || undefined,
    'the model data to be removed',
  )
})

test('a container that ends at its start is started three times, then the endpoint fails with the ping reason', async (t) => {
  const w = world(t)
  await w.config('a', { repository: 'echo', container: { Environment: { EXIT_AT_START: '1' } } })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.is((await w.until('a', 'Failed')).FailureReason, ping)
  t.is(started(w, 'a'), 3)
})

test('a container without a good ping within the start-up limit fails the endpoint and is not left running', async (t) => {
  const w = world(t, { delays: { startupLimit: 3_000, terminationGrace: 5_000 } })
  await w.config('a', { repository: 'echo', container: { Environment: { FAIL_PING: '1', SPAWN_CHILD: '1' } } })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.is((await w.until('a', 'Failed')).FailureReason, ping)
  t.is(childrenOf(w, 'a').length, 1)
  await ended(childrenOf(w, 'a'))
})

test('a program that cannot be started fails the endpoint with CannotStartContainerError', async (t) => {
  const w = world(t, { images: [image('absent', ['/no/such/program'])] })
  await w.config('a', { repository: 'absent' })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  t.regex(
    String((await w.until('a', 'Failed')).FailureReason),
    /^CannotStartContainerError\. Please ensure the model container for variant AllTraffic starts correctly/,
  )
})

test('model data that is gone, or is no archive, fails the endpoint', async (t) => {
  const w = world(t)
  for (const [name, reason] of [
    ['gone', /^Failed to download model data for container "container_1" from URL: "s3:\/\/bucket\/gone"/],
    ['text', /^Failed to extract model data archive/],
  ] as const) {
    w.objects.set(`s3://bucket/${name}`, { body: Buffer.from('not a tar') })
    await w.config(name, { repository: 'echo', container: { ModelDataUrl: `s3://bucket/${name}` } })
    if (name === 'gone') w.objects.delete('s3://bucket/gone')
    await w.call('CreateEndpoint', { EndpointName: name, EndpointConfigName: name })
    t.regex(String((await w.until(name, 'Failed')).FailureReason), reason)
  }
})

test('an update whose container is unhealthy leaves the old container serving', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const before = await asked(w, 'a')
  await w.config('b', { repository: 'echo', async: false, container: { Environment: { EXIT_AT_START: '1' } } })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' })
  t.like(await w.until('a', 'InService'), { EndpointConfigName: 'a', FailureReason: ping })
  t.is((await asked(w, 'a')).pid, before.pid)
})

test('an update replaces the container, and the old one is terminated', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const before = await asked(w, 'a')
  await w.config('b', { repository: 'echo', async: false })
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'b' })
  t.is((await w.until('a', 'InService')).EndpointConfigName, 'b')
  t.not((await asked(w, 'a')).pid, before.pid)
  t.false(running(before.pid))
  t.true(w.lines('a').includes('SIGTERM'))
})

test('a killed instance is replaced while the endpoint stays in service', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const before = await asked(w, 'a')
  w.faults.set({ name: 'instance.kill', times: 1 })
  await eventually(() => started(w, 'a') === 2 || undefined, 'a replacement')
  const after = await eventually(() => asked(w, 'a').catch(() => undefined), 'the replacement to answer')
  t.not(after.pid, before.pid)
  t.is((await w.describe('a')).EndpointStatus, 'InService')
})

test('an instance that stops answering its pings is killed and replaced', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const { pid } = await asked(w, 'a')
  await w.call('InvokeEndpoint', { EndpointName: 'a', Body: Buffer.from('{"answer":"stop answering pings"}') })
  await ended([pid])
  const after = await eventually(() => asked(w, 'a').catch(() => undefined), 'the replacement to answer')
  t.not(after.pid, pid)
})

test('scaling in terminates the youngest instance; without its model, scaling out fails and leaves the rest serving', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const { pid } = await asked(w, 'a')
  w.sagemaker.setDesired('a', 'AllTraffic', 2)
  await w.until('a', 'InService')
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 2, current: 2 })
  w.sagemaker.setDesired('a', 'AllTraffic', 1)
  await w.until('a', 'InService')
  t.is((await asked(w, 'a')).pid, pid)
  await w.call('DeleteModel', { ModelName: 'a' })
  w.sagemaker.setDesired('a', 'AllTraffic', 2)
  t.is((await w.until('a', 'InService')).FailureReason, `Could not find model "${arn('model', 'a')}".`)
  t.is((await asked(w, 'a')).pid, pid)
})

test('without its configuration an endpoint scales in but not out', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  await w.call('DeleteEndpointConfig', { EndpointConfigName: 'a' })
  const missing = `Could not find endpoint configuration "${arn('endpoint-config', 'a')}".`
  t.is(await w.sagemaker.setDesired('a', 'AllTraffic', 2), missing)
  t.like(await w.describe('a'), { EndpointStatus: 'InService', FailureReason: missing })
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 1, current: 1 })
  t.is(await w.sagemaker.setDesired('a', 'AllTraffic', 0), undefined)
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 0, current: 0 })
})

test('an endpoint that is made to fail in service becomes Failed and keeps its log lines', async (t) => {
  const w = world(t)
  await w.endpoint('a', { repository: 'echo', async: false })
  const { pid } = await asked(w, 'a')
  w.faults.set({ name: 'endpoint.fails-in-service', subject: 'a', reason: 'Hardware.' })
  t.is((await w.until('a', 'Failed')).FailureReason, 'Hardware.')
  await ended([pid])
  t.true(w.lines('a').includes('started with serve'))
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
})

test('an unhealthy endpoint stays in service with fewer instances than it should have, until the fault is cleared', async (t) => {
  const w = world(t)
  await w.endpoint('a', { variant: { InitialInstanceCount: 2 } })
  w.faults.set({ name: 'endpoint.unhealthy', subject: 'a' })
  const counts = async () => ((await w.describe('a')).ProductionVariants as JsonObject[])[0]?.CurrentInstanceCount
  await eventually(async () => (await counts()) === 0 || undefined, 'the instances to die')
  const sick = await w.describe('a')
  t.like(sick, { EndpointStatus: 'InService', FailureReason: undefined })
  t.like((sick.ProductionVariants as object[])[0], { CurrentInstanceCount: 0, DesiredInstanceCount: 2 })
  t.is(await w.sagemaker.setDesired('a', 'AllTraffic', 3), ping)
  t.like(w.sagemaker.describe('a', 'AllTraffic'), { desired: 2, current: 0 })
  w.faults.clear()
  await eventually(async () => (await counts()) === 2 || undefined, 'the replacements')
})

test('struck once, an endpoint stays unhealthy until it is updated or made anew', async (t) => {
  const w = world(t)
  await w.endpoint('a')
  const current = () => w.sagemaker.describe('a', 'AllTraffic')?.current
  const strike = async () => {
    w.faults.set({ name: 'endpoint.unhealthy', subject: 'a', times: 1 })
    await eventually(() => current() === 0 || undefined, 'the instance to die')
  }
  await strike()
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
  t.is(current(), 1)
  await strike()
  w.faults.clear()
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
  t.is(current(), 1)
})

test('a container that ignores SIGTERM is killed after the grace period, with everything it started', async (t) => {
  const w = world(t, { delays: { terminationGrace: 500 } })
  await w.endpoint('a', {
    repository: 'echo',
    async: false,
    container: { Environment: { IGNORE_SIGTERM: '1', SPAWN_CHILD: '1' } },
  })
  const { pid } = await asked(w, 'a')
  const children = childrenOf(w, 'a')
  t.is(children.length, 1)
  for (const child of children) t.true(running(child))
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
  t.false(running(pid))
  await ended(children)
  t.true(w.lines('a').includes('SIGTERM'))
})

test('nothing is left when the cloud stops, in whatever state its endpoints are', async (t) => {
  const w = world(t)
  await w.endpoint('serving', { repository: 'echo', async: false, container: { Environment: { SPAWN_CHILD: '1' } } })
  await w.config('starting', { repository: 'echo', container: { Environment: { FAIL_PING: '1', SPAWN_CHILD: '1' } } })
  await w.call('CreateEndpoint', { EndpointName: 'starting', EndpointConfigName: 'starting' })
  await eventually(() => childrenOf(w, 'starting').length === 1 || undefined, 'the second container to start')
  const { pid } = await asked(w, 'serving')
  await w.runtime.stop()
  await w.sagemaker.stop()
  t.false(running(pid))
  await ended([...childrenOf(w, 'serving'), ...childrenOf(w, 'starting')])
})

test('a thousand endpoints whose image has no command come and go without a process', async (t) => {
  const w = world(t)
  await w.config('c')
  const names = Array.from({ length: 1000 }, (_, index) => `e${index}`)
  await Promise.all(names.map((name) => w.call('CreateEndpoint', { EndpointName: name, EndpointConfigName: 'c' })))
  for (const name of names) await w.until(name, 'InService')
  await Promise.all(names.map((name) => w.call('DeleteEndpoint', { EndpointName: name })))
  for (const name of names) await w.gone(name)
  t.deepEqual(await w.call('ListEndpoints'), { Endpoints: [] })
})

function childrenOf(w: World, name: string): number[] {
  return w.lines(name).flatMap((line) => (line.startsWith('child ') ? [Number(line.slice(6))] : []))
}
