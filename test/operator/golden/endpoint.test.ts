import { DeleteEndpointCommand, SageMakerClient } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { testCluster } from '../../kubernetes.ts'
import { anEndpoint, withField } from '../api/manifests.ts'
import { cloudForFile, conditionOf, endpointIn, isTrue, namesIn } from '../controllers/world.ts'
import { callLog, golden, looks, reason, started, transitions } from './golden.ts'

const log = callLog()
const cloud = await cloudForFile({ onCall: log.onCall })
test.after.always(() => cloud.stop())
const SETTLED = { intervals: { settled: 200 } }
const UNAVAILABLE = { effect: 'error', code: 'ServiceUnavailable', status: 503 } as const

golden('endpoint Create=InvalidInput', async (t) => {
  const w = await started(t)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  const refused = { code: 'InvalidParameterValue', message: 'The endpoint name must not include a special character.' }
  cloud.setFault({ operation: 'sagemaker.CreateEndpoint', subject, effect: 'error', ...refused, times: 2 })
  await w.applyImage()
  const condition = await reason(w, 'EndpointInService', /^Refused$/)
  t.regex(condition.message, /must not include a special character/)
  await w.ready()
  t.is((await w.endpoint()).metadata.generation, 1)
  t.deepEqual(log.of(subject, /^CreateEndpoint$/).at(-1), 'CreateEndpoint')
})

golden('endpoint Create=Valid', async (t) => {
  const w = await started(t)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-creating', subject, times: 5 })
  await w.applyImage()
  await reason(w, 'EndpointInService', /^Creating$/)
  const { status } = await w.endpoint()
  t.truthy(status?.endpointArn)
  t.is(status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'False')
  const ready = await w.ready()
  t.is(endpointIn(cloud, subject)?.EndpointConfigName, ready.status?.endpointConfigName)
  t.true(isTrue(ready, 'AutoscalingReady'))
})

golden('endpoint ReadOne=MissingRequiredField', async (t) => {
  const cluster = testCluster()
  const namespace = await cluster.namespace('golden')
  const outcome = await cluster.create(withField(anEndpoint(namespace), 'spec.executionRoleArn', undefined))
  t.true('refused' in outcome && /spec\.executionRoleArn: Required value/.test(outcome.refused))
  t.deepEqual(log.of(namespace), [])
})

golden('endpoint ReadOne=NotFound', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  const all = namesIn(cloud, name).sort()
  await new SageMakerClient().send(new DeleteEndpointCommand({ EndpointName: name }))
  await w.until('a second creation', () => log.of(name, /^CreateEndpoint$/).length === 2)
  await w.until(
    'Ready, with scaling',
    (endpoint) => isTrue(endpoint, 'Ready') && namesIn(cloud, name).length === all.length,
  )
  t.true((await w.events()).some((event) => event.reason === 'EndpointMissing'))
})

golden('endpoint ReadOne=Fail', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  const before = await w.ready()
  const subject = await w.nameInCloud()
  cloud.setFault({ operation: 'sagemaker.DescribeEndpoint', subject, ...UNAVAILABLE, times: 5 })
  await w.until('all of them met', () => log.of(subject, /^DescribeEndpoint$/).length > 0 && faultsLeft(subject) === 0)
  await looks(w)
  const after = await w.endpoint()
  t.true(isTrue(after, 'Ready'))
  t.deepEqual(transitions(after), transitions(before))
})

golden('endpoint ReadOne=AfterCreate', async (t) => {
  const w = await started(t)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-creating', subject, times: 10 })
  await w.applyImage()
  t.like(await reason(w, 'EndpointInService', /^Creating$/), { status: 'False', observedGeneration: 1 })
  t.like(conditionOf(await w.endpoint(), 'Progressing'), { status: 'True' })
  await w.ready()
})

golden('endpoint ReadOne=LateInitialize', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  const before = await w.ready()
  await looks(w, 5)
  t.is((await w.endpoint()).metadata.resourceVersion, before.metadata.resourceVersion)
})

golden('endpoint ReadOne=InService', async (t) => {
  const w = await started(t)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  cloud.setFault({
    operation: 'application-autoscaling.RegisterScalableTarget',
    subject,
    effect: 'error',
    code: 'AccessDeniedException',
    message: 'not authorized to perform: application-autoscaling:RegisterScalableTarget',
    times: 1,
  })
  await w.applyImage()
  const condition = await reason(w, 'AutoscalingReady', /^AccessDenied$/)
  t.regex(condition.message, /^Allow the operator this call in its IAM policy/)
  const endpoint = await w.endpoint()
  t.true(isTrue(endpoint, 'EndpointInService'))
  t.is(conditionOf(endpoint, 'Ready')?.status, 'False')
  await w.ready()
})

golden('endpoint ReadOne=AfterUpdate', async (t) => {
  const w = await started(t)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.stuck-updating', subject, times: 10 })
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  t.like(await reason(w, 'EndpointInService', /^Updating$/), { status: 'False', observedGeneration: 2 })
  const { status } = await w.endpoint()
  t.is(status?.rollout?.result, 'InProgress')
  t.is(status?.rollout?.endpointConfigName, status?.endpointConfigName)
  t.not(endpointIn(cloud, subject)?.EndpointConfigName, status?.endpointConfigName)
  await w.ready()
})

golden('endpoint ReadOne=FailedStatus', async (t) => {
  const w = await started(t)
  await w.apply({ spec: { recovery: { backoffSeconds: 1, maxBackoffSeconds: 1 } }, withoutImage: true })
  const subject = await w.nameInCloud()
  const capacity = 'Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.'
  cloud.setFault({ name: 'endpoint.create-fails', subject, reason: capacity, times: 1 })
  await w.applyImage()
  const { status } = await w.ready()
  t.is(status?.lastFailure?.reason, capacity)
  t.deepEqual(log.of(subject, /^(Create|Delete)Endpoint$/), ['CreateEndpoint', 'DeleteEndpoint', 'CreateEndpoint'])
})

function faultsLeft(subject: string): number {
  return cloud.faults().filter((fault) => fault.subject === subject && fault.hits < (fault.times ?? 0)).length
}
