import type {
  AsyncInferenceConfig,
  CreateEndpointCommandInput,
  CreateEndpointConfigCommandInput,
  CreateModelCommandInput,
  ProductionVariant,
  Tag,
} from '@aws-sdk/client-sagemaker'
import type { AsyncInferenceEndpoint, AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import type { DesiredAutoscaling } from '../../providers/autoscaling.ts'
import { OWNER_TAGS } from '../../providers/ownership.ts'
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
  endpoint: CreateEndpointCommandInput & { EndpointName: string; EndpointConfigName: string }
  autoscaling: DesiredAutoscaling
}

/**
 * What must be in AWS for the object, as the SDK's inputs.
 * @param image the pinned reference, `<repository>@<digest>`
 * @param cluster tells this cluster's objects from another's in the same account
 */
export function desiredState(object: AsyncInferenceEndpoint, image: string, cluster: string): Desired {
  const { spec } = object
  const name = nameOf(object)
  const tags = (content: string): Tag[] => [...ownerTags(object, cluster, content), ...userTags(spec)]

  const model = modelContent(spec, image)
  const modelHash = contentHash(model)
  const modelName = revisionName(name, modelHash)

  const config = configContent(spec, modelName, topicArns(spec, name))
  const configHash = contentHash(config)
  const configName = revisionName(name, configHash)

  return {
    endpointName: name,
    model: { ModelName: modelName, ...model, Tags: tags(modelHash) },
    config: { EndpointConfigName: configName, ...config, Tags: tags(configHash) },
    endpoint: { EndpointName: name, EndpointConfigName: configName, Tags: tags(configHash) },
    autoscaling: desiredAutoscaling(name, VARIANT, spec.scaling, tags(configHash)),
  }
}

/** The endpoint's name in SageMaker. */
export function nameOf(object: AsyncInferenceEndpoint): string {
  const { namespace = '', name, uid = '' } = object.metadata
  return endpointName({ namespace, name, uid })
}

function ownerTags(object: AsyncInferenceEndpoint, cluster: string, content: string): Tag[] {
  const { namespace = '', name, uid = '' } = object.metadata
  return [
    { Key: OWNER_TAGS.cluster, Value: cluster },
    { Key: OWNER_TAGS.namespace, Value: namespace },
    { Key: OWNER_TAGS.name, Value: name },
    { Key: OWNER_TAGS.uid, Value: uid },
    { Key: OWNER_TAGS.contentHash, Value: content },
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
  topics: TopicArns | undefined,
): Omit<CreateEndpointConfigCommandInput, 'EndpointConfigName'> {
  const { instance } = spec
  const variant: ProductionVariant = {
    VariantName: VARIANT,
    ModelName: modelName,
    InstanceType: instance.type as NonNullable<ProductionVariant['InstanceType']>,
    InitialInstanceCount: instance.initialCount,
    InitialVariantWeight: 1,
    ...defined({
      VolumeSizeInGB: instance.volumeSizeInGB,
      ContainerStartupHealthCheckTimeoutInSeconds: instance.containerStartupHealthCheckTimeoutInSeconds,
      ModelDataDownloadTimeoutInSeconds: instance.modelDataDownloadTimeoutInSeconds,
      InferenceAmiVersion: instance.inferenceAmiVersion,
    }),
  }
  return { ProductionVariants: [variant], AsyncInferenceConfig: asyncConfig(spec.async, topics) }
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
