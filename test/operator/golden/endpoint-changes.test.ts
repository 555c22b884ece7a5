import test from 'ava'
import { FINALIZER } from '../../../operator/api/names.ts'
import { cloudForFile, endpointIn, isTrue, namesIn } from '../controllers/world.ts'
import { callLog, golden, looks, reason, started } from './golden.ts'

const log = callLog()
const cloud = await cloudForFile({ onCall: log.onCall })
test.after.always(() => cloud.stop())
const SETTLED = { intervals: { settled: 200 } }
const UNAVAILABLE = { effect: 'error', code: 'ServiceUnavailable', status: 503 } as const
const mode = (MODE: string) => ({ spec: { environment: { MODE } } })

golden('endpoint Update=StatusUpdating', async (t) => {
  const w = await started(t)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-updating', subject, times: 15 })
  await w.patch(mode('first'))
  await reason(w, 'EndpointInService', /^Updating$/)
  await w.patch(mode('second'))
  await w.patch(mode('third'))
  await w.patch(mode('newest'))
  const { status } = await w.ready()
  t.is(endpointIn(cloud, subject)?.EndpointConfigName, status?.endpointConfigName)
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), ['UpdateEndpoint', 'UpdateEndpoint'])
  const { models } = cloud.state().sagemaker as { models: { ModelName: string; PrimaryContainer: unknown }[] }
  const serving = models.find(({ ModelName }) => ModelName === status?.modelName)
  t.like(serving?.PrimaryContainer, { Environment: { MODE: 'newest' } })
})

golden('endpoint Update=StatusFailed', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  const denied = `The role 'arn:aws:iam::123456789012:role/r' does not have BatchGetImage permission for the image: 'x'.`
  cloud.setFault({ name: 'endpoint.create-fails', subject, reason: denied, times: 1 })
  await w.applyImage()
  await reason(w, 'EndpointInService', /^ImagePullDenied$/)
  await looks(w)
  t.deepEqual(log.of(subject, /^DeleteEndpoint$/), [], 'a cause that would only repeat itself is waited for')
  await w.patch(mode('another'))
  const { status } = await w.ready()
  t.is(endpointIn(cloud, subject)?.EndpointConfigName, status?.endpointConfigName)
  t.deepEqual(log.of(subject, /^(Create|Delete|Update)Endpoint$/), [
    'CreateEndpoint',
    'DeleteEndpoint',
    'CreateEndpoint',
  ])
})

golden('endpoint Update=NoRetryIfSameEndpointConfigName', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  const failed = 'Failed to download model data for container from URL'
  cloud.setFault({ name: 'endpoint.update-fails', subject, reason: failed, times: 1 })
  await w.patch(mode('bad'))
  await reason(w, 'EndpointInService', /^UpdateRolledBack$/)
  await looks(w, 5)
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), ['UpdateEndpoint'])
  t.is((await w.endpoint()).status?.lastFailure?.reason, failed)
  await w.annotate({ 'mooring.dev/retry': '1' })
  await w.ready()
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), ['UpdateEndpoint', 'UpdateEndpoint'])
})

golden('endpoint Update=Fail', async (t) => {
  const w = await started(t)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  cloud.setFault({ operation: 'sagemaker.UpdateEndpoint', subject, ...UNAVAILABLE, times: 4 })
  await w.patch(mode('new'))
  await w.until('Ready on the new', (endpoint) => endpoint.metadata.generation === 2 && isTrue(endpoint, 'Ready'))
  t.deepEqual(
    log.of(subject, /^UpdateEndpoint$/).filter((call) => call === 'UpdateEndpoint'),
    ['UpdateEndpoint'],
  )
})

golden('endpoint Update=InService', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  const before = await w.ready()
  const subject = await w.nameInCloud()
  await w.patch(mode('new'))
  const after = await w.ready()
  t.not(after.status?.rollout?.endpointConfigName, before.status?.rollout?.endpointConfigName)
  t.like(after.status?.rollout, { endpointConfigName: after.status?.endpointConfigName, result: 'Succeeded' })
  await looks(w)
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), ['UpdateEndpoint'])
  t.deepEqual(Object.keys(after.metadata.annotations ?? {}), [], 'no second way of writing')
})

golden('endpoint Delete=RequeueOnCreating', async (t) => {
  const w = await started(t)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-creating', subject, times: 20 })
  await w.applyImage()
  await reason(w, 'EndpointInService', /^Creating$/)
  await w.remove()
  const condition = await reason(w, 'EndpointInService', /^WaitingToDelete$/)
  t.regex(condition.message, /status Creating.*may be billed/)
  await w.gone()
  t.deepEqual(namesIn(cloud, subject), [])
})

golden(['endpoint Delete=Fail', 'endpoint_config Delete=Fail', 'model Delete=Fail'], async (t) => {
  const w = await started(t)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  for (const what of ['Endpoint', 'EndpointConfig', 'Model'])
    cloud.setFault({ operation: `sagemaker.Delete${what}`, subject, ...UNAVAILABLE, times: 4 })
  await w.remove()
  await w.until('the first failure', () => cloud.faults().some((fault) => fault.subject === subject && fault.hits > 3))
  t.true((await w.endpoint()).metadata.finalizers?.includes(FINALIZER))
  await w.gone()
  t.deepEqual(namesIn(cloud, subject), [])
  for (const what of ['Endpoint', 'EndpointConfig', 'Model'])
    t.is(log.of(subject, new RegExp(`^Delete${what}$`)).at(-1), `Delete${what}`)
})

golden(['endpoint Delete=Successful', 'endpoint_config Delete=Successful', 'model Delete=Successful'], async (t) => {
  const w = await started(t)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-deleting', subject, times: 10 })
  await w.remove()
  await w.until('Deleting', () => endpointIn(cloud, subject)?.EndpointStatus === 'Deleting')
  t.true(namesIn(cloud, `${subject}-`).length >= 2, 'configuration and model are kept while the endpoint is there')
  await w.gone()
  t.deepEqual(log.of(subject, /^(Delete|Deregister)/), [
    'DeleteAlarms',
    'DeregisterScalableTarget',
    'DeleteEndpoint',
    'DeleteEndpointConfig',
    'DeleteModel',
  ])
  const last = log.of(subject, /^(DescribeEndpoint|DeleteEndpointConfig)$/)
  t.is(last.at(-2), 'DescribeEndpoint ValidationException', 'the configuration goes when the endpoint is not found')
})
