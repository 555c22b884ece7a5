import test from 'ava'
import type { JsonObject } from '../../../local/service.ts'
import { arn, REGISTRY, ROLE, topic, type World, world } from './world.ts'

const refused = (message: string | RegExp) => ({ name: 'ValidationException', message })
const model = (w: World, container: JsonObject, of: JsonObject = {}) =>
  w.call('CreateModel', { ModelName: 'm', ExecutionRoleArn: ROLE, PrimaryContainer: container, ...of })

test('what does not exist is named by its kind and ARN', async (t) => {
  const w = world(t)
  await w.config('real')
  const endpoint = refused(`Could not find endpoint "${arn('endpoint', 'x')}".`)
  const config = refused(`Could not find endpoint configuration "${arn('endpoint-config', 'x')}".`)
  const noModel = refused(`Could not find model "${arn('model', 'x')}".`)
  await t.throwsAsync(w.call('DescribeEndpoint', { EndpointName: 'x' }), endpoint)
  await t.throwsAsync(w.call('UpdateEndpoint', { EndpointName: 'x', EndpointConfigName: 'real' }), endpoint)
  await t.throwsAsync(w.call('DeleteEndpoint', { EndpointName: 'x' }), endpoint)
  await t.throwsAsync(w.call('DescribeEndpointConfig', { EndpointConfigName: 'x' }), config)
  await t.throwsAsync(w.call('DeleteEndpointConfig', { EndpointConfigName: 'x' }), config)
  await t.throwsAsync(w.call('CreateEndpoint', { EndpointName: 'e', EndpointConfigName: 'x' }), config)
  await t.throwsAsync(w.call('DescribeModel', { ModelName: 'x' }), noModel)
  await t.throwsAsync(w.call('DeleteModel', { ModelName: 'x' }), noModel)
  const ProductionVariants = [
    { VariantName: 'v', ModelName: 'x', InstanceType: 'ml.m5.large', InitialInstanceCount: 1 },
  ]
  await t.throwsAsync(w.call('CreateEndpointConfig', { EndpointConfigName: 'c', ProductionVariants }), noModel)
  await t.throwsAsync(w.call('ListTags', { ResourceArn: arn('endpoint', 'x') }), endpoint)
  await t.throwsAsync(
    w.call('UpdateEndpointWeightsAndCapacities', { EndpointName: 'x', DesiredWeightsAndCapacities: [] }),
    endpoint,
  )
})

test('a name that is taken is refused, in whatever case', async (t) => {
  const w = world(t)
  await w.config('Taken')
  await t.throwsAsync(w.model('taken'), refused(`Cannot create already existing model "${arn('model', 'taken')}".`))
  await w.call('CreateEndpoint', { EndpointName: 'Taken', EndpointConfigName: 'Taken' })
  const again = { EndpointName: 'TAKEN', EndpointConfigName: 'Taken' }
  await t.throwsAsync(
    w.call('CreateEndpoint', again),
    refused(`Cannot create already existing endpoint "${arn('endpoint', 'taken')}".`),
  )
  const ProductionVariants = [
    { VariantName: 'v', ModelName: 'Taken', InstanceType: 'ml.m5.large', InitialInstanceCount: 1 },
  ]
  await t.throwsAsync(
    w.call('CreateEndpointConfig', { EndpointConfigName: 'taken', ProductionVariants }),
    refused(`Cannot create already existing endpoint configuration "${arn('endpoint-config', 'taken')}".`),
  )
})

test('a model is refused at once for its image, its model data or its environment', async (t) => {
  const w = world(t)
  const image = `${REGISTRY}/empty:latest`
  await t.throwsAsync(
    model(w, { Image: `${REGISTRY}/none:1` }),
    refused(`Requested image ${REGISTRY}/none:1 not found.`),
  )
  await t.throwsAsync(model(w, { Image: `${REGISTRY}/empty` }), refused(`ECR image "${REGISTRY}/empty" is invalid.`))
  await t.throwsAsync(
    model(w, { Image: 'docker.io/x:1' }),
    refused('Using non-ECR image "docker.io/x:1" without Vpc repository access mode is not supported.'),
  )
  await t.throwsAsync(
    model(w, { Image: image, ModelDataUrl: 's3://bucket/none.tar.gz' }),
    refused(/^Could not access model data at s3:\/\/bucket\/none\.tar\.gz\. Please ensure that the role/),
  )
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`K${index}`, 'v']))
  await t.throwsAsync(model(w, { Image: image, Environment: many }), refused(/at most 100 entries/))
  await t.throwsAsync(
    model(w, { Image: image, Environment: { '1X': 'v' } }),
    refused(/at 'primaryContainer.environment'/),
  )
  const large = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`K${index}`, 'v'.repeat(1024)]))
  await t.throwsAsync(model(w, { Image: image, Environment: large }), refused(/at most 32 KB/))
  await t.throwsAsync(
    model(w, { Image: image }, { ExecutionRoleArn: 'nobody' }),
    refused(
      /^1 validation error detected: Value 'nobody' at 'executionRoleArn' failed to satisfy constraint: Member must satisfy regular expression pattern/,
    ),
  )
  t.deepEqual(await w.call('ListModels'), { Models: [] })
})

test('names have SageMaker’s alphabet and length', async (t) => {
  const w = world(t)
  await w.config('a')
  for (const name of ['a.b', 'a_b', '-a', 'a-', 'x'.repeat(64), ''])
    await t.throwsAsync(
      w.call('CreateEndpoint', { EndpointName: name, EndpointConfigName: 'a' }),
      refused(/at 'endpointName' failed to satisfy constraint/),
      name,
    )
  await w.call('CreateEndpoint', { EndpointName: 'x'.repeat(63), EndpointConfigName: 'a' })
  await t.throwsAsync(
    w.call('CreateEndpoint', {}),
    refused(
      "1 validation error detected: Value at 'endpointName' failed to satisfy constraint: Member must not be null",
    ),
  )
})

test('a configuration is refused for what asynchronous inference does not do, and for numbers out of range', async (t) => {
  const w = world(t)
  await w.model('a')
  const variant = { VariantName: 'v', ModelName: 'a', InstanceType: 'ml.m5.large', InitialInstanceCount: 1 }
  const config = (variants: JsonObject[], of: JsonObject = {}) =>
    w.call('CreateEndpointConfig', { EndpointConfigName: 'c', ProductionVariants: variants, ...of })
  const AsyncInferenceConfig = { OutputConfig: { S3OutputPath: 's3://bucket/out' } }
  const two = [variant, { ...variant, VariantName: 'w' }]
  const number =
    /^1 validation error detected: Value '\d+' at 'productionVariants\.1\.member\.\w+' failed to satisfy constraint: Member must have value (greater|less) than or equal to \d+$/
  await t.throwsAsync(config(two, { AsyncInferenceConfig }), refused(/single production variant/))
  await t.throwsAsync(config([variant, variant]), refused(/unique/))
  await t.throwsAsync(config([]), refused(/At least one/))
  await t.throwsAsync(config([{ ...variant, InitialInstanceCount: 0 }], { AsyncInferenceConfig }), refused(number))
  await t.throwsAsync(config([{ ...variant, VolumeSizeInGB: 513 }]), refused(number))
  await t.throwsAsync(config([{ ...variant, ContainerStartupHealthCheckTimeoutInSeconds: 59 }]), refused(number))
  await t.throwsAsync(config([{ ...variant, ModelDataDownloadTimeoutInSeconds: 3601 }]), refused(number))
  await t.throwsAsync(
    config([{ ...variant, InstanceType: 'ml.huge' }]),
    refused(
      /Value 'ml\.huge' at 'productionVariants\.1\.member\.instanceType' failed to satisfy constraint: Member must satisfy enum value set/,
    ),
  )
  await t.throwsAsync(
    config([{ ...variant, ManagedInstanceScaling: { Status: 'ENABLED' } }]),
    refused('ManagedInstanceScaling is not supported with the given EndpointConfig setup.'),
  )
  await t.throwsAsync(
    config([variant], { AsyncInferenceConfig: {} }),
    refused(/outputConfig' failed to satisfy constraint: Member must not be null/),
  )
  await t.throwsAsync(
    config([variant], { AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 'bucket' } } }),
    refused(/s3OutputPath/),
  )
  await t.throwsAsync(
    config([variant], { AsyncInferenceConfig: { OutputConfig: { NotificationConfig: { ErrorTopic: 'topic' } } } }),
    refused(/errorTopic/),
  )
  await t.throwsAsync(
    config([variant], {
      AsyncInferenceConfig: { ...AsyncInferenceConfig, ClientConfig: { MaxConcurrentInvocationsPerInstance: 1001 } },
    }),
    refused(/maxConcurrentInvocationsPerInstance/),
  )
  await config(two)
})

test('a model and a configuration are described as they were given', async (t) => {
  const w = world(t)
  const NotificationConfig = { SuccessTopic: topic('s'), IncludeInferenceResponseIn: ['SUCCESS_NOTIFICATION_TOPIC'] }
  const async = {
    OutputConfig: { S3OutputPath: 's3://bucket/out', NotificationConfig },
    ClientConfig: { MaxConcurrentInvocationsPerInstance: 2 },
  }
  await w.config('a', { async, container: { Environment: { A: '1' } }, variant: { VolumeSizeInGB: 30 } })
  t.like(await w.call('DescribeModel', { ModelName: 'a' }), {
    ModelName: 'a',
    ModelArn: arn('model', 'a'),
    ExecutionRoleArn: ROLE,
    EnableNetworkIsolation: false,
    PrimaryContainer: { Image: `${REGISTRY}/empty:latest`, Environment: { A: '1' }, Mode: 'SingleModel' },
  })
  const described = await w.call('DescribeEndpointConfig', { EndpointConfigName: 'a' })
  t.like(described, { EndpointConfigArn: arn('endpoint-config', 'a'), AsyncInferenceConfig: async })
  t.like((described.ProductionVariants as object[])[0], {
    VolumeSizeInGB: 30,
    InitialVariantWeight: 1,
    InitialInstanceCount: 1,
  })
})

test('tags are added, replaced, listed and removed; more than fifty are refused', async (t) => {
  const w = world(t)
  await w.config('a')
  const ResourceArn = arn('endpoint-config', 'a')
  await w.call('AddTags', {
    ResourceArn,
    Tags: [
      { Key: 'mooring.dev/name', Value: 'a' },
      { Key: 'b', Value: '' },
    ],
  })
  await w.call('AddTags', { ResourceArn, Tags: [{ Key: 'b', Value: '2' }] })
  t.deepEqual(await w.call('ListTags', { ResourceArn }), {
    Tags: [
      { Key: 'mooring.dev/name', Value: 'a' },
      { Key: 'b', Value: '2' },
    ],
  })
  await w.call('DeleteTags', { ResourceArn, TagKeys: ['b', 'none'] })
  t.deepEqual(await w.call('ListTags', { ResourceArn }), { Tags: [{ Key: 'mooring.dev/name', Value: 'a' }] })
  const fifty = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: 'v' }))
  await t.throwsAsync(w.call('AddTags', { ResourceArn, Tags: fifty }), refused(/at most 50 tags/))
  await t.throwsAsync(
    w.call('AddTags', { ResourceArn, Tags: [{ Key: 'aws:x', Value: 'v' }] }),
    refused(/reserved prefix/),
  )
  await t.throwsAsync(
    w.call('AddTags', {
      ResourceArn,
      Tags: [
        { Key: 'x', Value: '1' },
        { Key: 'x', Value: '2' },
      ],
    }),
    refused(/Duplicate/),
  )
  const tooMany = [...fifty, { Key: 'one more', Value: 'v' }]
  await t.throwsAsync(
    w.call('CreateEndpoint', { EndpointName: 'e', EndpointConfigName: 'a', Tags: tooMany }),
    refused(/length less than or equal to 50/),
  )
  await t.throwsAsync(w.call('DescribeEndpoint', { EndpointName: 'e' }), refused(/Could not find endpoint/))
})

test('lists are filtered, sorted and paged, and a page survives what changes between two calls', async (t) => {
  const w = world(t)
  await w.config('c')
  for (let index = 0; index < 25; index++)
    await w.call('CreateEndpoint', { EndpointName: `e${String(index).padStart(2, '0')}`, EndpointConfigName: 'c' })
  await w.until('e24', 'InService')
  const names = (answer: JsonObject) =>
    (answer.Endpoints as { EndpointName: string }[]).map((each) => each.EndpointName)
  const first = await w.call('ListEndpoints', { SortBy: 'Name', SortOrder: 'Ascending' })
  t.is(names(first).length, 10)
  await w.call('DeleteEndpoint', { EndpointName: 'e03' })
  await w.gone('e03')
  const second = await w.call('ListEndpoints', {
    SortBy: 'Name',
    SortOrder: 'Ascending',
    MaxResults: 100,
    NextToken: first.NextToken,
  })
  t.deepEqual(
    [...names(first), ...names(second)],
    Array.from({ length: 25 }, (_, index) => `e${String(index).padStart(2, '0')}`),
  )
  t.is(second.NextToken, undefined)
  t.deepEqual(names(await w.call('ListEndpoints', { NameContains: 'E1', MaxResults: 100, SortBy: 'Name' })), [
    'e19',
    'e18',
    'e17',
    'e16',
    'e15',
    'e14',
    'e13',
    'e12',
    'e11',
    'e10',
  ])
  t.deepEqual(names(await w.call('ListEndpoints', { StatusEquals: 'Failed' })), [])
  t.deepEqual(names(await w.call('ListEndpoints', { CreationTimeAfter: new Date(w.clock.now() + 1000) })), [])
  t.deepEqual(Object.keys((second.Endpoints as object[])[0] ?? {}).sort(), [
    'CreationTime',
    'EndpointArn',
    'EndpointName',
    'EndpointStatus',
    'LastModifiedTime',
  ])
  await t.throwsAsync(w.call('ListEndpoints', { NextToken: 'made up' }), refused('Invalid NextToken.'))
  await t.throwsAsync(w.call('ListEndpoints', { MaxResults: 101 }), refused(/maxResults/))
  t.is(((await w.call('ListEndpointConfigs')).EndpointConfigs as object[]).length, 1)
})
