import {
  DeleteEndpointCommand,
  SageMakerClient,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker'
import test, { type ExecutionContext } from 'ava'
import { MODEL_IMAGES } from '../../../../operator/api/names.ts'
import { callLog, reason, started } from '../../golden/golden.ts'
import { cloudForFile, conditionOf, endpointIn, namesIn, type World } from '../world.ts'

const log = callLog()
const cloud = await cloudForFile({ onCall: log.onCall })
test.after.always(() => cloud.stop())
const HOUR_MS = 60 * 60_000
const TAKES = /^(Delete|Deregister)/
/** In what order things are taken away; what there is none of, or failed, is left out. */
const ORDER = ['DeleteAlarms', 'DeregisterScalableTarget', 'DeleteEndpoint', 'DeleteEndpointConfig', 'DeleteModel']
const FAULT = { effect: 'error', code: 'InternalServerException', status: 500 } as const

/** Deleted, waited for, and gone in the right order with nothing left. */
async function goes(t: ExecutionContext, w: World, meanwhile?: (name: string) => Promise<void>): Promise<void> {
  const name = await w.nameInCloud()
  const earlier = log.of(name, TAKES).length
  await w.remove()
  await meanwhile?.(name)
  await w.gone()
  t.deepEqual(namesIn(cloud, name), [])
  const done = log
    .of(name, TAKES)
    .slice(earlier)
    .filter((call) => ORDER.includes(call))
  const last = done.map((call) => ORDER.indexOf(call))
  t.deepEqual(last, [...last].sort(), `in order: ${done.join(', ')}`)
  t.true(done.filter((call) => call === 'DeleteEndpoint').length <= 1)
  // What the endpoint needs goes when it is seen to be gone, not when it was asked to go.
  const towards = log.of(name, /^(DescribeEndpoint|DeleteEndpointConfig)$/)
  const config = towards.indexOf('DeleteEndpointConfig')
  if (config > 0) t.is(towards[config - 1], 'DescribeEndpoint ValidationException')
}

/** Applied, with what stands in the way set before anything is made. */
async function applied(t: ExecutionContext, set: (subject: string) => void, options?: Parameters<typeof started>[1]) {
  const w = await started(t, options)
  await w.apply({ withoutImage: true })
  const name = await w.nameInCloud()
  set(name)
  await w.applyImage()
  return { w, name }
}

async function ready(t: ExecutionContext): Promise<{ w: World; name: string }> {
  const w = await started(t)
  await w.apply()
  await w.ready()
  return { w, name: await w.nameInCloud() }
}

const state = (name: string) => endpointIn(cloud, name)?.EndpointStatus

test('Creating for more than an hour: it waits, and says so with what can be done', async (t) => {
  let ahead = 0
  const { w } = await applied(t, (subject) => cloud.setFault({ name: 'endpoint.stuck-creating', subject }), {
    now: () => Date.now() + ahead,
  })
  await reason(w, 'EndpointInService', /^Creating$/)
  await goes(t, w, async (name) => {
    const at = await reason(w, 'EndpointInService', /^WaitingToDelete$/)
    t.notRegex(at.message, /hour/)
    ahead = HOUR_MS + 60_000
    const message = await w.until('the hour is over', (endpoint) => {
      const seen = conditionOf(endpoint, 'EndpointInService')?.message
      return seen?.includes('more than an hour') && seen
    })
    t.regex(message, /ask AWS Support/)
    t.true(message.length <= 300)
    t.is(state(name), 'Creating')
    t.deepEqual(log.of(name, /^DeleteEndpoint$/), [], 'nothing is asked for that is refused')
    cloud.clearFaults(name)
  })
})

test('Updating', async (t) => {
  const { w, name } = await ready(t)
  cloud.setFault({ name: 'endpoint.stuck-updating', subject: name, times: 15 })
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  await w.until('Updating', () => state(name) === 'Updating')
  await goes(t, w, async () => {
    t.regex((await reason(w, 'EndpointInService', /^WaitingToDelete$/)).message, /status Updating/)
  })
})

test('RollingBack, after a change of capacity that found none', async (t) => {
  const { w, name } = await ready(t)
  cloud.setFault({ name: 'instance.capacity', subject: name })
  cloud.setFault({ name: 'endpoint.stuck-rolling-back', subject: name, times: 20 })
  await new SageMakerClient().send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: name,
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 2 }],
    }),
  )
  await w.until('RollingBack', () => state(name) === 'RollingBack')
  await goes(t, w)
})

test('SystemUpdating', async (t) => {
  const { w, name } = await ready(t)
  cloud.setFault({ name: 'endpoint.system-update', subject: name, delayMs: 2_000, times: 1 })
  await w.until('SystemUpdating', () => state(name) === 'SystemUpdating')
  await goes(t, w)
})

test('Failed', async (t) => {
  const { w, name } = await applied(t, (subject) =>
    cloud.setFault({
      name: 'endpoint.create-fails',
      subject,
      reason: 'role denied: does not have BatchGetImage permission',
    }),
  )
  await w.until('Failed', () => state(name) === 'Failed')
  await goes(t, w)
})

test('UpdateRollbackFailed', async (t) => {
  const { w, name } = await ready(t)
  cloud.setFault({ name: 'endpoint.update-fails', subject: name, times: 1 })
  cloud.setFault({ name: 'endpoint.rollback-fails', subject: name, times: 1 })
  await w.patch({ spec: { environment: { MODE: 'bad' } } })
  await w.until('UpdateRollbackFailed', () => state(name) === 'UpdateRollbackFailed')
  await goes(t, w)
})

test('Deleting already, by somebody else', async (t) => {
  const { w, name } = await ready(t)
  await w.annotate({ 'mooring.dev/paused': 'true' })
  await w.until('Paused', ({ status }) => status?.phase === 'Paused')
  cloud.setFault({ name: 'endpoint.stuck-deleting', subject: name, times: 10 })
  await new SageMakerClient().send(new DeleteEndpointCommand({ EndpointName: name }))
  t.is(state(name), 'Deleting')
  await goes(t, w)
  t.deepEqual(log.of(name, /^DeleteEndpoint$/), ['DeleteEndpoint'], 'theirs')
})

test('throttled at every call', async (t) => {
  const { w, name } = await ready(t)
  cloud.setFault({ operation: '*.*', subject: name, effect: 'throttle', times: 12 })
  await goes(t, w, async () => {
    await w.until('all of them met', () => cloud.faults().every((one) => one.subject !== name || one.hits === 12))
    t.truthy((await w.endpoint()).metadata.finalizers)
  })
})

for (const [what, left] of [
  ['CreateEndpointConfig', ['DeleteAlarms', 'DeleteModel']],
  ['CreateEndpoint', ['DeleteAlarms', 'DeleteEndpointConfig', 'DeleteModel']],
] as const)
  test(`half created, since ${what} fails for ever`, async (t) => {
    const { w, name } = await applied(t, (subject) =>
      cloud.setFault({ operation: `sagemaker.${what}`, subject, ...FAULT }),
    )
    await w.until('it failed', () => cloud.faults().some((one) => one.subject === name && one.hits > 2))
    t.true(namesIn(cloud, name).length >= 1)
    await goes(t, w)
    t.deepEqual(
      log.of(name, /^Delete/).filter((call) => ORDER.includes(call)),
      [...left],
    )
  })

test('paused: what was declared deleted goes all the same', async (t) => {
  const { w } = await ready(t)
  await w.annotate({ 'mooring.dev/paused': 'true' })
  await w.until('Paused', ({ status }) => status?.phase === 'Paused')
  await goes(t, w)
})

test('with its ModelImage gone', async (t) => {
  const { w } = await ready(t)
  await w.kube.delete(MODEL_IMAGES, { namespace: w.namespace, name: 'sam-lite' })
  await reason(w, 'ImageReady', /^ImageMissing$/)
  await goes(t, w)
})

test('AWS credentials refused: the object stays and says so; when they are renewed it goes', async (t) => {
  const { w, name } = await ready(t)
  const message = 'The security token included in the request is expired'
  cloud.setFault({ operation: '*.*', subject: name, effect: 'error', code: 'ExpiredTokenException', message })
  await goes(t, w, async () => {
    const said = await w.until('NoCredentials', (endpoint) => {
      const seen = endpoint.status?.conditions?.find(({ reason: why }) => why === 'NoCredentials')
      return seen?.message
    })
    t.regex(said, /^Give the operator's service account an IAM role/)
    t.truthy((await w.endpoint()).metadata.finalizers)
    t.true(namesIn(cloud, name).length >= 7)
    cloud.clearFaults(name)
  })
})
