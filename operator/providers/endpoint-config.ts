import type {
  CreateEndpointConfigCommandInput,
  CreateEndpointConfigCommandOutput,
  DeleteEndpointConfigCommandInput,
  DeleteEndpointConfigCommandOutput,
  DescribeEndpointConfigCommandInput,
  DescribeEndpointConfigCommandOutput,
  ListEndpointConfigsCommandInput,
  ListEndpointConfigsCommandOutput,
  ProductionVariant,
} from '@aws-sdk/client-sagemaker'
import { type Operation, within } from './call.ts'
import { isAlreadyExists, isNotFound } from './errors.ts'
import type { Named } from './model.ts'

export type EndpointConfigApi = {
  createEndpointConfig: Operation<CreateEndpointConfigCommandInput, CreateEndpointConfigCommandOutput>
  describeEndpointConfig: Operation<DescribeEndpointConfigCommandInput, DescribeEndpointConfigCommandOutput>
  deleteEndpointConfig: Operation<DeleteEndpointConfigCommandInput, DeleteEndpointConfigCommandOutput>
  listEndpointConfigs: Operation<ListEndpointConfigsCommandInput, ListEndpointConfigsCommandOutput>
}

export type ObservedConfig = {
  arn: string
  /** What the first variant runs on; see instancesOf. */
  instances: string
  variantName: string | undefined
}

/** SageMaker's endpoint configurations, which never change once made. Errors as in model.ts. */
export function endpointConfigs(api: EndpointConfigApi) {
  return {
    /** Answers 'taken' when the name is in use, by whomever. */
    async create(input: CreateEndpointConfigCommandInput, signal: AbortSignal): Promise<'created' | 'taken'> {
      try {
        await api.createEndpointConfig(input, within(signal))
        return 'created'
      } catch (error) {
        if (isAlreadyExists(error, 'endpoint configuration')) return 'taken'
        throw error
      }
    },
    /** Undefined where there is none. */
    async observe(name: string, signal: AbortSignal): Promise<ObservedConfig | undefined> {
      try {
        const seen = await api.describeEndpointConfig({ EndpointConfigName: name }, within(signal))
        const [variant] = seen.ProductionVariants ?? []
        return {
          arn: seen.EndpointConfigArn ?? '',
          instances: instancesOf(variant),
          variantName: variant?.VariantName,
        }
      } catch (error) {
        if (isNotFound(error, 'endpoint configuration')) return undefined
        throw error
      }
    },
    /** Nothing where there is none. */
    async delete(name: string, signal: AbortSignal): Promise<void> {
      try {
        await api.deleteEndpointConfig({ EndpointConfigName: name }, within(signal))
      } catch (error) {
        if (!isNotFound(error, 'endpoint configuration')) throw error
      }
    },
    /** Those whose name starts with `prefix`. */
    async list(prefix: string, signal: AbortSignal): Promise<Named[]> {
      const found: Named[] = []
      let token: string | undefined
      do {
        const page = await api.listEndpointConfigs(
          { NameContains: prefix, MaxResults: 100, ...(token ? { NextToken: token } : {}) },
          within(signal),
        )
        for (const { EndpointConfigName: name = '', EndpointConfigArn: arn = '' } of page.EndpointConfigs ?? [])
          if (name.startsWith(prefix)) found.push({ name, arn })
        token = page.NextToken
      } while (token)
      return found
    },
  }
}

/** What a variant runs on, as text: scalable targets are bound to it. */
export function instancesOf(variant: ProductionVariant | undefined): string {
  const pools = variant?.InstancePools ?? []
  return pools.length > 0
    ? pools.map(({ InstanceType, Priority }) => `${Priority}:${InstanceType}`).join(',')
    : String(variant?.InstanceType)
}

export type EndpointConfigs = ReturnType<typeof endpointConfigs>
