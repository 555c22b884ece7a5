import type { ContainerDefinition, CreateModelCommandInput } from '@aws-sdk/client-sagemaker'
import type { Call, JsonObject, Service } from '../../service.ts'
import { constraints, ENVIRONMENT_KEY, MODEL_NAME, ROLE_ARN, S3_URI } from './constraints.ts'
import { alreadyExists, notFound, validation } from './errors.ts'
import { type ListInput, page } from './paging.ts'
import type { TagStore } from './tags.ts'
import type { Model, SagemakerDependencies } from './types.ts'

const MAX_ENVIRONMENT_BYTES = 32 * 1024
const ECR_IMAGE = /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[^:@]+(:[^@]+)?(@sha256:[0-9a-f]{64})?$/

export type Models = { get(name: string): Model | undefined; operations: Service['operations']; state(): JsonObject[] }

/** Models by name: CreateModel, DescribeModel, DeleteModel, ListModels. */
export function models(
  deps: Pick<SagemakerDependencies, 'clock' | 'images' | 'objects' | 'region'>,
  arnOf: (name: string) => string,
  tags: TagStore,
): Models {
  const byName = new Map<string, Model>()
  const get = (name: string | undefined) => byName.get((name ?? '').toLowerCase())
  const found = (name: string | undefined): Model => {
    constraints().member('modelName', name, { required: true }).verify()
    const model = get(name)
    if (!model) throw notFound('model', arnOf(String(name)))
    return model
  }

  const operations: Service['operations'] = {
    async CreateModel(call: Call) {
      const input = call.input as Partial<CreateModelCommandInput>
      checkInput(input)
      tags.check(input.Tags)
      const name = String(input.ModelName)
      const taken = () => {
        if (get(name)) throw alreadyExists('model', arnOf(name))
      }
      taken()
      const container = containerOf(input)
      const specifiedImage = container.Image ?? ''
      const image = resolveImage(specifiedImage)
      await checkModelData(container, String(input.ExecutionRoleArn))
      taken()
      const model: Model = {
        name,
        arn: arnOf(name),
        createdAt: new Date(deps.clock.now()),
        input: structuredClone(input) as CreateModelCommandInput,
        image,
        specifiedImage,
        container,
      }
      byName.set(name.toLowerCase(), model)
      tags.set(model.arn, input.Tags)
      return { ModelArn: model.arn }
    },
    DescribeModel: (call: Call) => describe(found((call.input as { ModelName?: string }).ModelName)),
    DeleteModel(call: Call) {
      const model = found((call.input as { ModelName?: string }).ModelName)
      byName.delete(model.name.toLowerCase())
      tags.remove(model.arn)
      return {}
    },
    ListModels(call: Call) {
      const { items, ...token } = page(byName.values(), call.input as ListInput)
      return {
        Models: items.map(({ name, arn, createdAt }) => ({ ModelName: name, ModelArn: arn, CreationTime: createdAt })),
        ...token,
      }
    },
  }
  return {
    get,
    operations,
    state: () => [...byName.values()].map((model) => ({ ...describe(model), Tags: tags.list(model.arn) })),
  }

  function resolveImage(uri: string) {
    if (!/\.dkr\.ecr\./.test(uri))
      throw validation(`Using non-ECR image "${uri}" without Vpc repository access mode is not supported.`)
    const parsed = ECR_IMAGE.exec(uri)
    if (!parsed || !(parsed[2] || parsed[3])) throw validation(`ECR image "${uri}" is invalid.`)
    const image = deps.images.find(uri)
    if (!image) throw validation(`Requested image ${uri} not found.`)
    return image
  }

  async function checkModelData(container: ContainerDefinition, role: string): Promise<void> {
    const url = container.ModelDataUrl
    if (url === undefined || (await deps.objects.get(url))) return
    throw validation(
      `Could not access model data at ${url}. Please ensure that the role "${role}" exists and that its trust relationship policy ` +
        'allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure that the role has ' +
        `"s3:GetObject" permissions and that the object is located in ${deps.region}.`,
    )
  }
}

function describe(model: Model): JsonObject {
  const { Tags: _, PrimaryContainer: primary, ...rest } = model.input
  return {
    ...rest,
    ...(primary ? { PrimaryContainer: { Mode: 'SingleModel', ...primary } } : {}),
    ModelArn: model.arn,
    CreationTime: model.createdAt,
    EnableNetworkIsolation: model.input.EnableNetworkIsolation ?? false,
  }
}

function containerOf(input: Partial<CreateModelCommandInput>): ContainerDefinition {
  const { PrimaryContainer: primary, Containers: several } = input
  if (primary && several)
    throw validation('Both PrimaryContainer and Containers are specified; specify only one of them.')
  const container = primary ?? several?.[0]
  if (!container) throw validation('Either PrimaryContainer or Containers must be specified.')
  if (several && several.length > 1) throw validation('The local SageMaker runs single-container models only.')
  if (!container.Image) throw validation('The container definition must specify an Image.')
  return container
}

function checkInput(input: Partial<CreateModelCommandInput>): void {
  const rules = constraints()
    .member('modelName', input.ModelName, { required: true, pattern: MODEL_NAME, maxLength: 63 })
    .member('executionRoleArn', input.ExecutionRoleArn, { required: true, pattern: ROLE_ARN, maxLength: 2048 })
    .member('vpcConfig.securityGroupIds', input.VpcConfig?.SecurityGroupIds, { maxLength: 5 })
    .member('vpcConfig.subnets', input.VpcConfig?.Subnets, { maxLength: 16 })
  const container = input.PrimaryContainer ?? input.Containers?.[0]
  const path = input.PrimaryContainer ? 'primaryContainer' : 'containers.1.member'
  rules
    .member(`${path}.image`, container?.Image, { maxLength: 255, pattern: '[\\S]+' })
    .member(`${path}.modelDataUrl`, container?.ModelDataUrl, {
      maxLength: 1024,
      pattern: S3_URI.replace('[^/]', '[^/]+'),
    })
  const environment = Object.entries(container?.Environment ?? {})
  for (const [key, value] of environment) {
    rules
      .member(`${path}.environment`, key, { pattern: ENVIRONMENT_KEY, maxLength: 1024 })
      .member(`${path}.environment`, value, { maxLength: 1024 })
  }
  rules.verify()
  if (environment.length > 100) throw validation('The Environment of a container may have at most 100 entries.')
  const bytes = environment.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  if (bytes > MAX_ENVIRONMENT_BYTES) throw validation('The Environment of a container may have at most 32 KB.')
}
