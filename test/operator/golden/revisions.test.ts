import { DeleteEndpointConfigCommand, DeleteModelCommand, SageMakerClient } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { testCluster } from '../../kubernetes.ts'
import { anEndpoint, withField } from '../api/manifests.ts'
import { cloudForFile, conditionOf, isTrue } from '../controllers/world.ts'
import { callLog, golden, looks, reason, started, transitions } from './golden.ts'

const log = callLog()
const cloud = await cloudForFile({ onCall: log.onCall })
test.after.always(() => cloud.stop())
const UNAVAILABLE = { effect: 'error', code: 'ServiceUnavailable', status: 503 } as const
/** Looks at the endpoint often, and never at what cannot change; or at that too. */
const QUIET = { intervals: { settled: 200, verify: 3_600_000 } }
const VERIFYING = { intervals: { settled: 200, verify: 400 } }
const KINDS = [
  { suite: 'model', what: 'Model', condition: 'ModelReady', next: /^CreateEndpointConfig$/ },
  { suite: 'endpoint_config', what: 'EndpointConfig', condition: 'ConfigReady', next: /^CreateEndpoint$/ },
] as const

for (const { suite, what, condition, next } of KINDS) {
  golden(`${suite} Create=InvalidInput`, async (t) => {
    const w = await started(t)
    await w.apply({ withoutImage: true })
    const subject = await w.nameInCloud()
    const refused = { code: 'InvalidParameterValue', message: 'The name must not include a special character.' }
    cloud.setFault({ operation: `sagemaker.Create${what}`, subject, effect: 'error', ...refused, times: 2 })
    await w.applyImage()
    const seen = await reason(w, condition, /^Refused$/)
    t.regex(seen.message, /must not include a special character/)
    t.deepEqual(log.of(subject, next), [])
    await w.ready()
  })

  golden(`${suite} ReadOne=NotFound`, async (t) => {
    const w = await started(t, VERIFYING)
    await w.apply()
    const { status } = await w.ready()
    const subject = await w.nameInCloud()
    const sagemaker = new SageMakerClient()
    await (what === 'Model'
      ? sagemaker.send(new DeleteModelCommand({ ModelName: status?.modelName }))
      : sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: status?.endpointConfigName })))
    await w.until('made again', () => log.of(subject, new RegExp(`^Create${what}$`)).length === 2)
    const after = await w.ready()
    t.is(after.status?.modelName, status?.modelName)
    t.is(after.status?.endpointConfigName, status?.endpointConfigName)
    t.deepEqual(log.of(subject, /^(Update|Delete)Endpoint$/), [], 'the endpoint itself is left alone')
  })

  golden(`${suite} ReadOne=Fail`, async (t) => {
    const w = await started(t, VERIFYING)
    await w.apply()
    const before = await w.ready()
    const subject = await w.nameInCloud()
    cloud.setFault({ operation: `sagemaker.Describe${what}`, subject, ...UNAVAILABLE, times: 5 })
    const done = () => cloud.faults().some((fault) => fault.subject === subject && fault.hits === 5)
    await w.until('all of them met', done)
    await looks(w)
    const after = await w.endpoint()
    t.true(isTrue(after, 'Ready'))
    t.deepEqual(transitions(after), transitions(before))
  })
}

golden(['endpoint_config Create=Valid', 'model Create=Valid'], async (t) => {
  const w = await started(t)
  await w.apply()
  const { metadata, status } = await w.ready()
  const subject = await w.nameInCloud()
  t.deepEqual(log.of(subject, /^Create(Model|EndpointConfig)$/), ['CreateModel', 'CreateEndpointConfig'])
  const { models } = cloud.state().sagemaker as {
    models: { ModelName: string; Tags: { Key: string; Value: string }[] }[]
  }
  const model = models.find(({ ModelName }) => ModelName === status?.modelName)
  const tag = (key: string) => model?.Tags.find(({ Key }) => Key === key)?.Value
  t.is(tag('mooring.dev/uid'), metadata.uid)
  t.is(status?.modelName, `${subject}-${tag('mooring.dev/content-hash')}`)
})

golden('model Create=ValidVariation2', async (t) => {
  const w = await started(t)
  await w.apply({ spec: { environment: { my_var: 'my_value', my_var2: 'my_value2' } } })
  const { status } = await w.ready()
  const { models } = cloud.state().sagemaker as { models: { ModelName: string; PrimaryContainer: { Image: string } }[] }
  const container = models.find(({ ModelName }) => ModelName === status?.modelName)?.PrimaryContainer
  t.like(container, { Environment: { my_var: 'my_value', my_var2: 'my_value2' } })
  t.regex(container?.Image ?? '', /sam-lite@sha256:[0-9a-f]{64}$/)
})

golden(['endpoint_config ReadOne=MissingRequiredField', 'model ReadOne=MissingRequiredField'], async (t) => {
  const cluster = testCluster()
  const namespace = await cluster.namespace('golden')
  for (const field of ['spec.imageRef', 'spec.instance.type', 'spec.async.output.s3OutputPath']) {
    const outcome = await cluster.create(withField(anEndpoint(namespace), field, undefined))
    t.true('refused' in outcome && outcome.refused.includes(`${field}: Required value`), JSON.stringify(outcome))
  }
  t.deepEqual(log.of(namespace), [])
})

golden(
  [
    'endpoint_config ReadOne=AfterCreate',
    'endpoint_config ReadOne=LateInitialize',
    'model ReadOne=AfterCreate',
    'model ReadOne=LateInitialize',
    'model ReadOne=AfterCreateVariation2',
  ],
  async (t) => {
    const w = await started(t, QUIET)
    await w.apply({ spec: { environment: { my_var: 'my_value' } } })
    await w.ready()
    await looks(w, 5)
    t.deepEqual(log.of(await w.nameInCloud(), /^Describe(Model|EndpointConfig)$/), [])
    t.is((await w.endpoint()).metadata.generation, 1)
  },
)

golden('endpoint_config ReadOne=SuccessClearsConditions', async (t) => {
  const w = await started(t)
  await w.apply({ withoutImage: true })
  const subject = await w.nameInCloud()
  const denied = { code: 'AccessDeniedException', message: 'not authorized to perform: sagemaker:CreateEndpointConfig' }
  cloud.setFault({ operation: 'sagemaker.CreateEndpointConfig', subject, effect: 'error', ...denied, times: 3 })
  await w.applyImage()
  await reason(w, 'ConfigReady', /^AccessDenied$/)
  const before = await w.endpoint()
  const after = await w.ready()
  t.is(conditionOf(after, 'ConfigReady')?.reason, 'Created')
  for (const type of ['ImageReady', 'ModelReady'])
    t.is(conditionOf(after, type)?.lastTransitionTime, conditionOf(before, type)?.lastTransitionTime, type)
})

golden(['endpoint_config Update=NotSupported', 'model Update=NotSupported'], async (t) => {
  const w = await started(t)
  await w.apply({ spec: { rollout: { revisionHistoryLimit: 0 } } })
  const before = await w.ready()
  const subject = await w.nameInCloud()
  await w.patch({ spec: { environment: { MODE: 'new' }, async: { maxConcurrentInvocationsPerInstance: 2 } } })
  const after = await w.ready()
  t.not(after.status?.modelName, before.status?.modelName)
  t.not(after.status?.endpointConfigName, before.status?.endpointConfigName)
  t.deepEqual(log.of(subject, /^(Create|Update|Delete)(Endpoint|EndpointConfig|Model)$/), [
    'CreateModel',
    'CreateEndpointConfig',
    'CreateEndpoint',
    'CreateModel',
    'CreateEndpointConfig',
    'UpdateEndpoint',
    'DeleteEndpointConfig',
    'DeleteModel',
  ])
})
