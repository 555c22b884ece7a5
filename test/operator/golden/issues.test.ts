import {
  ApplicationAutoScalingClient,
  PutScalingPolicyCommand,
  type PutScalingPolicyCommandInput,
} from '@aws-sdk/client-application-auto-scaling'
import test from 'ava'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../../operator/api/names.ts'
import { cloudForFile, conditionOf, endpointIn, isTrue, namesIn } from '../controllers/world.ts'
import { callLog, golden, looks, reason, started } from './golden.ts'

const log = callLog()
const cloud = await cloudForFile({ onCall: log.onCall })
test.after.always(() => cloud.stop())
const SETTLED = { intervals: { settled: 200 } }
const mode = (MODE: string) => ({ spec: { environment: { MODE } } })

golden(['community#1732', 'community#2510'], async (t) => {
  const w = await started(t)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  await w.patch(mode('new'))
  await w.ready()
  cloud.setFault({ name: 'endpoint.fails-in-service', subject, times: 1 })
  await w.until('the failure is noted', ({ status }) => status?.lastFailure)
  await w.ready()
  const seen = (await w.events()).map((event) => event.reason)
  for (const wanted of [
    'EndpointCreating',
    'EndpointInService',
    'EndpointUpdating',
    'EndpointFailed',
    'EndpointRecreating',
  ])
    t.true(seen.includes(wanted), wanted)
  t.is(seen.filter((one) => one === 'EndpointFailed').length, 1)
})

golden('community#1889', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  const before = await w.ready()
  const subject = await w.nameInCloud()
  const message =
    'User: arn:aws:sts::123456789012:assumed-role/mooring/x is not authorized to perform: sagemaker:UpdateEndpoint'
  cloud.setFault({
    operation: 'sagemaker.UpdateEndpoint',
    subject,
    effect: 'error',
    code: 'AccessDeniedException',
    message,
    times: 3,
  })
  await w.patch(mode('new'))
  const condition = await reason(w, 'EndpointInService', /^AccessDenied$/)
  t.regex(condition.message, /^Allow the operator this call in its IAM policy.*sagemaker:UpdateEndpoint/)
  t.is(endpointIn(cloud, subject)?.EndpointConfigName, before.status?.endpointConfigName)
  t.is(endpointIn(cloud, subject)?.EndpointStatus, 'InService')
  const after = await w.ready()
  t.is(endpointIn(cloud, subject)?.EndpointConfigName, after.status?.endpointConfigName)
})

golden('community#1583', async (t) => {
  const w = await started(t)
  await w.apply()
  await w.ready()
  await w.patch(mode('new'))
  const { metadata, status } = await w.ready()
  t.is(metadata.generation, 2)
  t.is(status?.observedGeneration, 2)
  t.true((status?.conditions?.length ?? 0) >= 8)
  for (const { type, observedGeneration } of status?.conditions ?? []) t.is(observedGeneration, 2, type)
})

golden('community#2098', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  const message = `Could not assume role arn:aws:iam::123456789012:role/mooring-execution. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.`
  cloud.setFault({
    operation: 'sagemaker.CreateModel',
    subject,
    effect: 'error',
    code: 'ValidationException',
    message,
    times: 6,
  })
  await w.applyImage()
  const condition = await reason(w, 'ModelReady', /^RoleCannotBeAssumed$/)
  await w.until('asked again', () => log.of(subject, /^CreateModel$/).length >= 3 || faults(subject) >= 3)
  const meanwhile = conditionOf(await w.endpoint(), 'ModelReady')
  if (meanwhile?.status === 'False') t.is(meanwhile.lastTransitionTime, condition.lastTransitionTime)
  const { metadata } = await w.ready()
  t.is(metadata.generation, 1, 'no edit was needed')
})

golden('community#2682', async (t) => {
  const w = await started(t, SETTLED)
  const steps = [
    ['sagemaker.CreateModel', 'ModelReady'],
    ['sagemaker.CreateEndpointConfig', 'ConfigReady'],
    ['sagemaker.CreateEndpoint', 'EndpointInService'],
    ['application-autoscaling.PutScalingPolicy', 'AutoscalingReady'],
    ['monitoring.PutMetricAlarm', 'AutoscalingReady'],
  ] as const
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  for (const [operation] of steps)
    cloud.setFault({
      operation,
      subject,
      effect: 'error',
      code: 'NeverHeardOfException',
      message: `no ${operation}`,
      times: 2,
    })
  await w.applyImage()
  for (const [operation, type] of steps) {
    const condition = await w.until(`${type} names ${operation}`, (endpoint) => {
      const seen = conditionOf(endpoint, type)
      return seen?.message.includes(`no ${operation}`) && seen
    })
    t.is(condition.status, 'False')
  }
  await w.ready()
})

golden('community#1355', async (t) => {
  const w = await started(t, { intervals: { settled: 200, verify: 400 } })
  await w.apply({ spec: { scaling: { minInstances: 0, maxInstances: 3 } } })
  await w.ready()
  const subject = await w.nameInCloud()
  const aas = new ApplicationAutoScalingClient()
  const tracking: PutScalingPolicyCommandInput = {
    PolicyName: `${subject}-backlog`,
    PolicyType: 'TargetTrackingScaling',
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${subject}/variant/AllTraffic`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 99,
      CustomizedMetricSpecification: {
        MetricName: 'ApproximateBacklogSizePerInstance',
        Namespace: 'AWS/SageMaker',
        Dimensions: [{ Name: 'EndpointName', Value: subject }],
        Statistic: 'Average',
      },
    },
  }
  await aas.send(new PutScalingPolicyCommand(tracking))
  const puts = log.of(subject, /^PutScalingPolicy$/).length
  await w.until('put again', () => log.of(subject, /^PutScalingPolicy$/).length > puts)
  const corrected = await w.until('its Event', async () =>
    (await w.events()).find((event) => event.reason === 'AutoscalingRestored'),
  )
  t.regex(corrected.note, /^Not as declared: /)
  await w.ready()
})

golden('community#2963', async (t) => {
  const w = await started(t, { intervals: { settled: 3_600_000 } })
  const smokeTest = { input: { inline: 'hello' }, contentType: 'text/plain' }
  await w.apply({ spec: { smokeTest } })
  const subject = await w.nameInCloud()
  const tests = () => log.of(subject, /^InvokeEndpointAsync$/).length
  await w.until('the first test', () => tests() === 1)
  await w.annotate({ 'mooring.dev/smoke-test': 'again' })
  await w.until('another test, an hour before the next look', () => tests() === 2)
  t.is((await w.endpoint()).metadata.generation, 1)
})

golden('community#2218', async (t) => {
  const w = await started(t, { intervals: { settled: 1_000, verify: 3_600_000 } })
  await w.apply()
  const { metadata } = await w.ready()
  const subject = await w.nameInCloud()
  const before = log.of(subject).length
  const sweeps = async () => (await w.calls()).ListEndpoints ?? 0
  const swept = await sweeps()
  await w.until('several sweeps of all endpoints', async () => (await sweeps()) >= swept + 5)
  const made = log.of(subject).slice(before)
  t.deepEqual(
    made.filter((call) => !/^(DescribeEndpoint|GetMetricData)$/.test(call)),
    [],
  )
  for (const operation of ['DescribeEndpoint', 'GetMetricData'])
    t.true(made.filter((call) => call === operation).length <= (await sweeps()) - swept + 1, made.join(', '))
  t.is((await w.endpoint()).metadata.resourceVersion, metadata.resourceVersion)
})

golden(['applicationautoscaling-controller PR#7', 'amazon-sagemaker-operator-for-k8s#195'], async (t) => {
  const w = await started(t)
  await w.apply({ spec: { scaling: { minInstances: 0, maxInstances: 2 } } })
  await w.ready()
  const subject = await w.nameInCloud()
  const state = cloud.state()
  const { scalingPolicies } = state['application-autoscaling'] as { scalingPolicies: { name: string; type: string }[] }
  const { alarms } = state.monitoring as { alarms: { name: string }[] }
  t.deepEqual(scalingPolicies.flatMap(({ name, type }) => (name.startsWith(subject) ? [type] : [])).sort(), [
    'StepScaling',
    'TargetTrackingScaling',
  ])
  t.true(alarms.some(({ name }) => name === `${subject}-wake`))
  await w.remove()
  await w.gone()
  t.deepEqual(namesIn(cloud, subject), [])
})

golden('community#1707', async (t) => {
  const w = await started(t)
  await w.apply()
  await w.apply({ name: 'second', withoutImage: true })
  await w.ready()
  await w.ready('second')
  const subjects = [await w.nameInCloud(), await w.nameInCloud('second')]
  // The namespace's controller deletes what is in it in no order: here the worst.
  await w.kube.delete(MODEL_IMAGES, { namespace: w.namespace, name: 'sam-lite' })
  await Promise.all([w.remove(), w.remove('second')])
  await Promise.all([w.gone(), w.gone('second')])
  t.deepEqual(
    subjects.flatMap((subject) => namesIn(cloud, subject)),
    [],
  )
  t.deepEqual((await w.kube.list(ASYNC_INFERENCE_ENDPOINTS, { namespace: w.namespace })).items, [])
})

golden('reading: UpdateRollbackFailed', async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  await w.ready()
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.update-fails', subject, times: 1 })
  cloud.setFault({ name: 'endpoint.rollback-fails', subject, times: 1 })
  await w.patch(mode('bad'))
  const condition = await reason(w, 'EndpointInService', /^UpdateRollbackFailed$/)
  t.is(condition.status, 'False')
  await looks(w)
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), ['UpdateEndpoint'])
  await w.annotate({ 'mooring.dev/retry': '1' })
  await w.ready()
  t.is(endpointIn(cloud, subject)?.EndpointStatus, 'InService')
})

golden(['reading: rollback without a reason', 'reading: reverted edit'], async (t) => {
  const w = await started(t, SETTLED)
  await w.apply()
  const before = await w.ready()
  const subject = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.update-fails', subject, reason: '', times: 1 })
  await w.patch(mode('bad'))
  await reason(w, 'EndpointInService', /^UpdateRolledBack$/)
  await looks(w, 5)
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), ['UpdateEndpoint'])
  await w.patch({ spec: { environment: null } })
  const after = await w.until(
    'Ready',
    (endpoint) => endpoint.metadata.generation === 3 && isTrue(endpoint, 'Ready') && endpoint,
  )
  t.is(after.status?.endpointConfigName, before.status?.endpointConfigName)
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), ['UpdateEndpoint'])
})

golden('reading: lost answer of a creation', async (t) => {
  const w = await started(t)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  cloud.setFault({ operation: 'sagemaker.CreateEndpoint', subject, effect: 'drop-response', times: 3 })
  await w.applyImage()
  await w.until('the endpoint is made', () => endpointIn(cloud, subject) !== undefined)
  await w.remove()
  await w.gone()
  t.deepEqual(namesIn(cloud, subject), [])
})

function faults(subject: string): number {
  return cloud.faults().find((fault) => fault.subject === subject)?.hits ?? 0
}
