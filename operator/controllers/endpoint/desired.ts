import type {
  AsyncInferenceConfig,
  CreateEndpointConfigCommandInput,
  CreateModelCommandInput,
  ProductionVariant,
  Tag,
} from '@aws-sdk/client-sagemaker'
import type { AsyncInferenceEndpoint, AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import type { DesiredAutoscaling } from '../../providers/autoscaling-differences.ts'
import { OWNER_TAGS } from '../../providers/ownership.ts'
import { overBudget } from './budget.ts'
import { desiredAutoscaling } from './desired-autoscaling.ts'
import { type TopicArns, topicArns } from './desired-topics.ts'
import { contentHash, endpointName, revisionName } from './names.ts'

/** Asynchronous endpoints have exactly one variant; its name is part of what autoscaling and metrics go by. */
export const VARIANT = 'AllTraffic'

/** All that an object asks of AWS. */
export type Desired = {
  endpointName: string
  model: CreateModelCommandInput & { ModelName: string }
  config: CreateEndpointConfigCommandInput & { EndpointConfigName: string }
  /** Of the endpoint; models and configurations have the same, and a hash of their content. */
  tags: Tag[]
  autoscaling: DesiredAutoscaling
}

/**
 * What must be in AWS for the object, as the SDK's inputs.
 * @param from.image the pinned reference, `<repository>@<digest>`
 * @param from.cluster tells this cluster's objects from another's in the same account
 * @param from.instanceType the one to use where Mooring falls back by itself
 */
export function desiredState(
  object: AsyncInferenceEndpoint,
  from: { image: string; cluster: string; instanceType: string },
): Desired {
  const { spec } = object
  const base = baseNameOf(object)
  const owner = ownerTags(object, from.cluster)
  const tags = (content: string): Tag[] => [
    ...owner,
    { Key: OWNER_TAGS.contentHash, Value: content },
    ...userTags(spec),
  ]

  const model = modelContent(spec, from.image)
  const modelHash = contentHash(model)
  const modelName = revisionName(base, modelHash)

  const config = configContent(spec, modelName, { instanceType: from.instanceType, topics: topicArns(spec, base) })
  const configHash = contentHash(config)
  const configName = revisionName(base, configHash)

  const endpoint = nameOf(object)
  const plain = [...owner, ...userTags(spec)]
  return {
    endpointName: endpoint,
    model: { ModelName: modelName, ...model, Tags: tags(modelHash) },
    config: { EndpointConfigName: configName, ...config, Tags: tags(configHash) },
    tags: plain,
    autoscaling: desiredAutoscaling(
      { endpoint, base, variant: VARIANT },
      spec.scaling,
      plain,
      overBudget(object.status),
    ),
  }
}

/** The endpoint's name in SageMaker. */
export function nameOf(object: AsyncInferenceEndpoint): string {
  return object.spec.adopt ?? baseNameOf(object)
}

/** Begins the names of all else that is made for the object; never another object's, since it holds the UID. */
export function baseNameOf(object: AsyncInferenceEndpoint): string {
  const { namespace = '', name, uid = '' } = object.metadata
  return endpointName({ namespace, name, uid })
}

function ownerTags(object: AsyncInferenceEndpoint, cluster: string): Tag[] {
  const { namespace = '', name, uid = '' } = object.metadata
  return [
    { Key: OWNER_TAGS.cluster, Value: cluster },
    { Key: OWNER_TAGS.namespace, Value: namespace },
    { Key: OWNER_TAGS.name, Value: name },
    { Key: OWNER_TAGS.uid, Value: uid },
  ]
}

function userTags({ tags = {} }: AsyncInferenceEndpointSpec): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

function modelContent(spec: AsyncInferenceEndpointSpec, image: string): Omit<CreateModelCommandInput, 'ModelName'> {
  return {
    ExecutionRoleArn: spec.executionRoleArn,
    PrimaryContainer: {
      Image: image,
      ...(spec.modelDataUrl ? { ModelDataUrl: spec.modelDataUrl } : {}),
      ...(spec.environment ? { Environment: spec.environment } : {}),
    },
    ...(spec.vpc ? { VpcConfig: { SecurityGroupIds: spec.vpc.securityGroupIds, Subnets: spec.vpc.subnets } } : {}),
    ...(spec.enableNetworkIsolation ? { EnableNetworkIsolation: true } : {}),
  }
}

function configContent(
  spec: AsyncInferenceEndpointSpec,
  modelName: string,
  { instanceType, topics }: { instanceType: string; topics: TopicArns | undefined },
): Omit<CreateEndpointConfigCommandInput, 'EndpointConfigName'> {
  const { instance } = spec
  const variant: ProductionVariant = {
    VariantName: VARIANT,
    ModelName: modelName,
    ...machines(instance, instanceType),
    InitialInstanceCount: instance.initialCount,
    InitialVariantWeight: 1,
    ...defined({
      VolumeSizeInGB: instance.volumeSizeInGB,
      ContainerStartupHealthCheckTimeoutInSeconds: instance.containerStartupHealthCheckTimeoutInSeconds,
      ModelDataDownloadTimeoutInSeconds: instance.modelDataDownloadTimeoutInSeconds,
      InferenceAmiVersion: instance.inferenceAmiVersion,
    }),
  }
  return {
    ProductionVariants: [variant],
    AsyncInferenceConfig: asyncConfig(spec.async, topics),
    ...defined({ KmsKeyId: instance.volumeKmsKeyId }),
  }
}

type InstanceType = NonNullable<ProductionVariant['InstanceType']>

function machines({ type, fallback }: AsyncInferenceEndpointSpec['instance'], instanceType: string) {
  if (fallback?.mode !== 'InstancePools') return { InstanceType: instanceType as InstanceType }
  return {
    InstancePools: [type, ...fallback.types].map((each, index) => ({
      InstanceType: each as InstanceType,
      Priority: index + 1,
    })),
    ...defined({ VariantInstanceProvisionTimeoutInSeconds: fallback.provisionTimeoutSeconds }),
  }
}

function asyncConfig(spec: AsyncInferenceEndpointSpec['async'], topics: TopicArns | undefined): AsyncInferenceConfig {
  const { output, notifications, maxConcurrentInvocationsPerInstance: concurrency } = spec
  return {
    OutputConfig: {
      S3OutputPath: output.s3OutputPath,
      ...defined({ S3FailurePath: output.s3FailurePath, KmsKeyId: output.kmsKeyId }),
      ...(notifications
        ? {
            NotificationConfig: defined({
              SuccessTopic: topics?.success ?? notifications.successTopicArn,
              ErrorTopic: topics?.error ?? notifications.errorTopicArn,
              IncludeInferenceResponseIn: notifications.includeInferenceResponseIn,
            }),
          }
        : {}),
    },
    ...(concurrency ? { ClientConfig: { MaxConcurrentInvocationsPerInstance: concurrency } } : {}),
  }
}

type Defined<T> = { [K in keyof T]?: NonNullable<T[K]> }

/** Without the members that are undefined: the SDK's inputs distinguish absent from undefined. */
function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>
}
