import test from 'ava'
import fc from 'fast-check'
import {
  type AsyncInferenceEndpoint,
  asyncInferenceEndpointSpec,
} from '../../../../operator/api/async-inference-endpoint.ts'
import { desiredState, nameOf } from '../../../../operator/controllers/endpoint/desired.ts'
import { contentHash, endpointName, revisionName } from '../../../../operator/controllers/endpoint/names.ts'
import { anEndpoint } from '../../api/manifests.ts'

const UID = '0f8b4c1e-7d2a-4e55-9c3b-1a2b3c4d5e6f'
const IMAGE = `123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite@sha256:${'a'.repeat(64)}`
/** SageMaker's own pattern for endpoints and configurations; models allow more. */
const SAGEMAKER_NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/

function object(spec: object = {}, metadata: object = {}): AsyncInferenceEndpoint {
  const manifest = anEndpoint('vision')
  return {
    ...manifest,
    metadata: { ...manifest.metadata, uid: UID, generation: 1, ...metadata },
    spec: asyncInferenceEndpointSpec.parse({ ...(manifest.spec as object), ...spec }),
  } as unknown as AsyncInferenceEndpoint
}
const desired = (spec: object = {}, image = IMAGE) => {
  const wanted = object(spec)
  return desiredState(wanted, { image, cluster: 'default', instanceType: wanted.spec.instance.type })
}

/** What Kubernetes allows: RFC 1123 labels for namespaces, subdomains for objects. */
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
const subdomain = fc
  .array(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/), { minLength: 1, maxLength: 3 })
  .map((labels) =>
    labels
      .join('.')
      .slice(0, 63)
      .replace(/[.-]+$/, ''),
  )
const identity = fc.record({ namespace: label, name: subdomain, uid: fc.uuid() })

test('names are SageMaker’s, whatever Kubernetes allows', (t) => {
  fc.assert(
    fc.property(identity, fc.string(), (who, content) => {
      const endpoint = endpointName(who)
      const revision = revisionName(endpoint, contentHash(content))
      return SAGEMAKER_NAME.test(endpoint) && SAGEMAKER_NAME.test(revision) && revision.length <= 63
    }),
  )
  t.pass()
})

test('names of two objects never meet, even where only the cut part or the dots differ', (t) => {
  fc.assert(
    fc.property(identity, identity, (a, b) => {
      fc.pre(a.uid.slice(0, 8) !== b.uid.slice(0, 8))
      return endpointName(a) !== endpointName(b) && !endpointName(a).startsWith(`${endpointName(b)}-`)
    }),
  )
  const long = { namespace: 'n'.repeat(63), uid: UID }
  t.not(endpointName({ ...long, name: 'a' }), endpointName({ ...long, name: 'a', uid: UID.replace('0', '1') }))
  t.is(endpointName({ namespace: 'a', name: 'b.c', uid: UID }), 'a-b-c-0f8b4c1e')
})

test('the content hash does not depend on the order of keys, and ignores what is undefined', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (content) => {
      const reversed = Object.fromEntries(Object.entries(content).reverse())
      return contentHash(content) === contentHash({ ...reversed, absent: undefined })
    }),
  )
  t.not(contentHash({ a: 1 }), contentHash({ a: '1' }))
  t.not(contentHash(['a', 'b']), contentHash(['b', 'a']))
})

test('the same object asks for the same names', (t) => {
  t.deepEqual(desired(), desired())
})

test('another digest is another model and another configuration of the same endpoint', (t) => {
  const [one, two] = [desired(), desired({}, IMAGE.replace('aaaa', 'bbbb'))]
  t.not(one.model.ModelName, two.model.ModelName)
  t.not(one.config.EndpointConfigName, two.config.EndpointConfigName)
  t.is(one.endpointName, two.endpointName)
})

test('another instance type is another configuration of the same model', (t) => {
  const [one, two] = [desired(), desired({ instance: { type: 'ml.g5.xlarge' } })]
  t.is(one.model.ModelName, two.model.ModelName)
  t.not(one.config.EndpointConfigName, two.config.EndpointConfigName)
})

test('scaling, recovery, the smoke test and tags make no new revision: nothing is to be rolled out', (t) => {
  const one = desired()
  const two = desired({
    scaling: { maxInstances: 7 },
    recovery: { maxAttempts: 1 },
    smokeTest: { input: { inline: 'x' }, contentType: 'text/plain' },
    tags: { team: 'vision' },
  })
  t.is(one.config.EndpointConfigName, two.config.EndpointConfigName)
})

test('everything carries the owner’s tags, then the user’s', (t) => {
  const { model, config, tags: ofEndpoint } = desired({ tags: { team: 'vision' } })
  for (const Tags of [model.Tags ?? [], config.Tags ?? [], ofEndpoint]) {
    const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))
    t.like(tags, {
      'mooring.dev/cluster': 'default',
      'mooring.dev/namespace': 'vision',
      'mooring.dev/name': 'segment',
      'mooring.dev/uid': UID,
      team: 'vision',
    })
  }
  for (const { Tags = [] } of [model, config])
    t.regex(Tags.find(({ Key }) => Key === 'mooring.dev/content-hash')?.Value ?? '', /^[0-9a-f]{8}$/)
})

test('what is not asked for is absent, so that SageMaker’s defaults apply', (t) => {
  const { model, config } = desired()
  t.deepEqual(model.PrimaryContainer, { Image: IMAGE })
  t.false('VpcConfig' in model)
  t.deepEqual(config.AsyncInferenceConfig, { OutputConfig: { S3OutputPath: 's3://mooring-demo/output/' } })
  t.deepEqual(config.ProductionVariants, [
    {
      VariantName: 'AllTraffic',
      ModelName: model.ModelName ?? '',
      InstanceType: 'ml.g5.2xlarge',
      InitialInstanceCount: 1,
      InitialVariantWeight: 1,
    },
  ])
})

test('every field of the spec reaches SageMaker', (t) => {
  const { model, config } = desired({
    modelDataUrl: 's3://bucket/model.tar.gz',
    environment: { LOG_LEVEL: 'debug' },
    vpc: { securityGroupIds: ['sg-1'], subnets: ['subnet-1'] },
    enableNetworkIsolation: true,
    instance: {
      type: 'ml.g5.2xlarge',
      initialCount: 1,
      volumeSizeInGB: 100,
      containerStartupHealthCheckTimeoutInSeconds: 900,
      modelDataDownloadTimeoutInSeconds: 600,
      inferenceAmiVersion: 'al2-ami-sagemaker-inference-gpu-3-1',
    },
    async: {
      maxConcurrentInvocationsPerInstance: 4,
      output: { s3OutputPath: 's3://b/out/', s3FailurePath: 's3://b/failed/', kmsKeyId: 'alias/k' },
      notifications: {
        successTopicArn: 'arn:aws:sns:us-east-1:123456789012:ok',
        errorTopicArn: 'arn:aws:sns:us-east-1:123456789012:bad',
        includeInferenceResponseIn: ['SUCCESS_NOTIFICATION_TOPIC'],
      },
    },
  })
  t.like(model, {
    PrimaryContainer: { ModelDataUrl: 's3://bucket/model.tar.gz', Environment: { LOG_LEVEL: 'debug' } },
    VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] },
    EnableNetworkIsolation: true,
  })
  t.like(config.ProductionVariants?.[0], {
    VolumeSizeInGB: 100,
    ContainerStartupHealthCheckTimeoutInSeconds: 900,
    ModelDataDownloadTimeoutInSeconds: 600,
    InferenceAmiVersion: 'al2-ami-sagemaker-inference-gpu-3-1',
  })
  t.deepEqual(config.AsyncInferenceConfig, {
    ClientConfig: { MaxConcurrentInvocationsPerInstance: 4 },
    OutputConfig: {
      S3OutputPath: 's3://b/out/',
      S3FailurePath: 's3://b/failed/',
      KmsKeyId: 'alias/k',
      NotificationConfig: {
        SuccessTopic: 'arn:aws:sns:us-east-1:123456789012:ok',
        ErrorTopic: 'arn:aws:sns:us-east-1:123456789012:bad',
        IncludeInferenceResponseIn: ['SUCCESS_NOTIFICATION_TOPIC'],
      },
    },
  })
})

test('scaling tracks the backlog per instance, and wakes from zero by the alarm on waiting requests', (t) => {
  const scaling = { minInstances: 0, maxInstances: 3, targetBacklogPerInstance: 4, scaleInCooldownSeconds: 300 }
  const { target, tracking, wake, wakeAlarm } = desired({ scaling }).autoscaling
  const name = nameOf(object())
  t.like(target, { ResourceId: `endpoint/${name}/variant/AllTraffic`, MinCapacity: 0, MaxCapacity: 3 })
  t.like(tracking.TargetTrackingScalingPolicyConfiguration, {
    TargetValue: 4,
    ScaleInCooldown: 300,
    ScaleOutCooldown: 60,
  })
  t.like(tracking.TargetTrackingScalingPolicyConfiguration?.CustomizedMetricSpecification, {
    MetricName: 'ApproximateBacklogSizePerInstance',
    Dimensions: [{ Name: 'EndpointName', Value: name }],
  })
  t.like(wake.StepScalingPolicyConfiguration, { AdjustmentType: 'ChangeInCapacity' })
  t.like(wakeAlarm, { MetricName: 'HasBacklogWithoutCapacity', Threshold: 1, TreatMissingData: 'missing' })
})

test('the key of the volume is part of the configuration, and so of its name', (t) => {
  const key = 'alias/volumes'
  const one = desired()
  const two = desired({ instance: { type: 'ml.m5.xlarge', volumeKmsKeyId: key } })
  t.is(two.config.KmsKeyId, key)
  t.false('KmsKeyId' in one.config)
  t.not(one.config.EndpointConfigName, two.config.EndpointConfigName)
})
