import {
  type CreateEndpointConfigCommandInput,
  type ProductionVariant,
  ProductionVariantInferenceAmiVersion,
} from '@aws-sdk/client-sagemaker'
import type { Clock } from '../../clock.ts'
import type { Call, JsonObject, Service } from '../../service.ts'
import { type Constraints, constraints, MODEL_NAME, NAME, S3_URI, TOPIC_ARN } from './constraints.ts'
import { alreadyExists, notFound, validation } from './errors.ts'
import { checkPools, poolRules, poolsOf } from './instance-pools.ts'
import type { Models } from './models.ts'
import { type ListInput, page } from './paging.ts'
import type { TagStore } from './tags.ts'
import type { EndpointConfig } from './types.ts'

const AMI_VERSIONS: readonly string[] = Object.values(ProductionVariantInferenceAmiVersion)
const MAX_VARIANTS = 10

export type EndpointConfigs = {
  get(name: string): EndpointConfig | undefined
  operations: Service['operations']
  state(): JsonObject[]
}

/** Endpoint configurations by name; they never change once created. */
export function endpointConfigs(
  clock: Clock,
  arnOf: (name: string) => string,
  modelArnOf: (name: string) => string,
  models: Pick<Models, 'get'>,
  tags: TagStore,
): EndpointConfigs {
  const byName = new Map<string, EndpointConfig>()
  const get = (name: string | undefined) => byName.get((name ?? '').toLowerCase())
  const found = (call: Call): EndpointConfig => {
    const name = (call.input as { EndpointConfigName?: string }).EndpointConfigName
    constraints().member('endpointConfigName', name, { required: true }).verify()
    const config = get(name)
    if (!config) throw notFound('endpoint-config', arnOf(String(name)))
    return config
  }

  const operations: Service['operations'] = {
    CreateEndpointConfig(call: Call) {
      const input = call.input as Partial<CreateEndpointConfigCommandInput>
      checkInput(input)
      tags.check(input.Tags)
      const name = String(input.EndpointConfigName)
      if (get(name)) throw alreadyExists('endpoint-config', arnOf(name))
      const variants = structuredClone(input.ProductionVariants ?? [])
      for (const { modelName } of variants.flatMap(poolsOf))
        if (!models.get(modelName)) throw notFound('model', modelArnOf(modelName))
      const {
        EndpointConfigName: _,
        ProductionVariants: __,
        AsyncInferenceConfig: async,
        Tags,
        ...rest
      } = structuredClone(input)
      const config: EndpointConfig = {
        name,
        arn: arnOf(name),
        createdAt: new Date(clock.now()),
        variants: variants.map((variant) => ({ InitialVariantWeight: 1, ...variant })),
        ...(async ? { async } : {}),
        rest,
      }
      byName.set(name.toLowerCase(), config)
      tags.set(config.arn, Tags)
      return { EndpointConfigArn: config.arn }
    },
    DescribeEndpointConfig: (call: Call) => describe(found(call)),
    DeleteEndpointConfig(call: Call) {
      const config = found(call)
      byName.delete(config.name.toLowerCase())
      tags.remove(config.arn)
      return {}
    },
    ListEndpointConfigs(call: Call) {
      const { items, ...token } = page(byName.values(), call.input as ListInput)
      const summary = ({ name, arn, createdAt }: EndpointConfig) => ({
        EndpointConfigName: name,
        EndpointConfigArn: arn,
        CreationTime: createdAt,
      })
      return { EndpointConfigs: items.map(summary), ...token }
    },
  }
  return {
    get,
    operations,
    state: () => [...byName.values()].map((config) => ({ ...describe(config), Tags: tags.list(config.arn) })),
  }
}

function describe(config: EndpointConfig): JsonObject {
  return {
    ...config.rest,
    EndpointConfigName: config.name,
    EndpointConfigArn: config.arn,
    ProductionVariants: config.variants,
    CreationTime: config.createdAt,
    ...(config.async ? { AsyncInferenceConfig: config.async } : {}),
  }
}

function checkInput(input: Partial<CreateEndpointConfigCommandInput>): void {
  const rules = constraints()
    .member('endpointConfigName', input.EndpointConfigName, { required: true, pattern: NAME, maxLength: 63 })
    .member('productionVariants', input.ProductionVariants, { required: true, maxLength: MAX_VARIANTS })
  const variants = input.ProductionVariants ?? []
  variants.forEach((variant, index) => {
    checkVariant(rules, `productionVariants.${index + 1}.member`, variant)
  })
  const { OutputConfig: output, ClientConfig: client } = input.AsyncInferenceConfig ?? {}
  const path = 'asyncInferenceConfig'
  const topics = output?.NotificationConfig
  const uri = { maxLength: 512, pattern: S3_URI.replace('[^/]', '[^/]+') }
  const topic = { maxLength: 2048, pattern: TOPIC_ARN }
  rules
    .member(`${path}.outputConfig`, output, { required: input.AsyncInferenceConfig !== undefined })
    .member(`${path}.outputConfig.s3OutputPath`, output?.S3OutputPath, uri)
    .member(`${path}.outputConfig.s3FailurePath`, output?.S3FailurePath, uri)
    .member(`${path}.outputConfig.kmsKeyId`, output?.KmsKeyId, { maxLength: 2048 })
    .member(`${path}.outputConfig.notificationConfig.successTopic`, topics?.SuccessTopic, topic)
    .member(`${path}.outputConfig.notificationConfig.errorTopic`, topics?.ErrorTopic, topic)
    .member(`${path}.outputConfig.notificationConfig.includeInferenceResponseIn`, topics?.IncludeInferenceResponseIn, {
      maxLength: 2,
    })
    .member(`${path}.clientConfig.maxConcurrentInvocationsPerInstance`, client?.MaxConcurrentInvocationsPerInstance, {
      min: 1,
      max: 1000,
    })
    .verify()
  checkCombination(input, variants)
}

function checkVariant(rules: Constraints, path: string, variant: ProductionVariant): void {
  const timeout = { min: 60, max: 3600 }
  rules
    .member(`${path}.variantName`, variant.VariantName, { required: true, pattern: NAME, maxLength: 63 })
    .member(`${path}.modelName`, variant.ModelName, { required: true, pattern: MODEL_NAME, maxLength: 63 })
    .member(`${path}.initialInstanceCount`, variant.InitialInstanceCount, { required: true, min: 1 })
    .member(`${path}.initialVariantWeight`, variant.InitialVariantWeight, { min: 0 })
    .member(`${path}.volumeSizeInGB`, variant.VolumeSizeInGB, { min: 1, max: 512 })
    .member(`${path}.modelDataDownloadTimeoutInSeconds`, variant.ModelDataDownloadTimeoutInSeconds, timeout)
    .member(
      `${path}.containerStartupHealthCheckTimeoutInSeconds`,
      variant.ContainerStartupHealthCheckTimeoutInSeconds,
      timeout,
    )
    .member(`${path}.inferenceAmiVersion`, variant.InferenceAmiVersion, { oneOf: AMI_VERSIONS })
  poolRules(rules, path, variant)
}

function checkCombination(
  input: Partial<CreateEndpointConfigCommandInput>,
  variants: readonly ProductionVariant[],
): void {
  if (variants.length === 0) throw validation('At least one production variant must be specified.')
  if (new Set(variants.map((variant) => variant.VariantName)).size < variants.length)
    throw validation('Production variant names must be unique.')
  for (const variant of variants) checkPools(variant)
  if (variants.some((variant) => variant.ManagedInstanceScaling))
    throw validation('ManagedInstanceScaling is not supported with the given EndpointConfig setup.')
  if (variants.some((variant) => variant.ServerlessConfig))
    throw validation('The local SageMaker does not run serverless variants.')
  if (!input.AsyncInferenceConfig) return
  if (variants.length > 1) throw validation('AsyncInferenceConfig supports a single production variant only.')
  if (input.ShadowProductionVariants?.length)
    throw validation('Shadow production variants are not supported when specifying an AsyncInferenceConfig.')
  if (input.DataCaptureConfig?.EnableCapture)
    throw validation('Data capture is not supported when specifying an AsyncInferenceConfig.')
}
