import type {
  CreateEndpointCommandInput,
  CreateEndpointCommandOutput,
  DeleteEndpointCommandInput,
  DeleteEndpointCommandOutput,
  DeploymentConfig,
  DescribeEndpointCommandInput,
  DescribeEndpointCommandOutput,
  EndpointStatus,
  ListEndpointsCommandInput,
  ListEndpointsCommandOutput,
  UpdateEndpointCommandInput,
  UpdateEndpointCommandOutput,
} from '@aws-sdk/client-sagemaker'
import { type Operation, within } from './call.ts'
import { isAlreadyExists, isInProgress, isNotFound } from './errors.ts'

export type EndpointApi = {
  createEndpoint: Operation<CreateEndpointCommandInput, CreateEndpointCommandOutput>
  describeEndpoint: Operation<DescribeEndpointCommandInput, DescribeEndpointCommandOutput>
  updateEndpoint: Operation<UpdateEndpointCommandInput, UpdateEndpointCommandOutput>
  deleteEndpoint: Operation<DeleteEndpointCommandInput, DeleteEndpointCommandOutput>
  listEndpoints: Operation<ListEndpointsCommandInput, ListEndpointsCommandOutput>
}

/** An endpoint, as far as it decides what is done next. */
export type ObservedEndpoint = {
  arn: string
  status: EndpointStatus
  /** The configuration that it serves with now. */
  configName: string
  /** The configuration being rolled out, while one is. */
  pendingConfigName: string | undefined
  failureReason: string | undefined
  createdAt: Date
  modifiedAt: Date
  /** Of the first variant; undefined until there is one. */
  instances: { current: number; desired: number } | undefined
  variantName: string | undefined
  variants: number
  /** Whether it takes asynchronous requests, and only those. */
  asynchronous: boolean
  /** Instances that run, of the serving fleet and of the one that a deployment starts beside it. */
  billedInstances: number
}

/** SageMaker's endpoints. Errors as in model.ts. */
export function endpoints(api: EndpointApi) {
  return {
    /** Answers 'taken' when the name is in use, by whomever and in whatever state; an endpoint being deleted still has its name. */
    async create(
      input: CreateEndpointCommandInput,
      signal: AbortSignal,
    ): Promise<{ arn: string } | 'taken' | 'no-config'> {
      try {
        const { EndpointArn: arn = '' } = await api.createEndpoint(input, within(signal))
        return { arn }
      } catch (error) {
        if (isAlreadyExists(error, 'endpoint')) return 'taken'
        if (isNotFound(error, 'endpoint configuration')) return 'no-config'
        throw error
      }
    },

    /** Undefined where there is none. */
    async observe(name: string, signal: AbortSignal): Promise<ObservedEndpoint | undefined> {
      let seen: DescribeEndpointCommandOutput
      try {
        seen = await api.describeEndpoint({ EndpointName: name }, within(signal))
      } catch (error) {
        if (isNotFound(error, 'endpoint')) return undefined
        throw error
      }
      const variant = seen.ProductionVariants?.[0]
      return {
        arn: seen.EndpointArn ?? '',
        status: seen.EndpointStatus ?? 'OutOfService',
        configName: seen.EndpointConfigName ?? '',
        pendingConfigName: seen.PendingDeploymentSummary?.EndpointConfigName,
        failureReason: seen.FailureReason,
        createdAt: seen.CreationTime ?? new Date(0),
        modifiedAt: seen.LastModifiedTime ?? new Date(0),
        variantName: variant?.VariantName,
        variants: seen.ProductionVariants?.length ?? 0,
        asynchronous: seen.AsyncInferenceConfig !== undefined,
        instances: variant && {
          current: variant.CurrentInstanceCount ?? 0,
          desired: variant.DesiredInstanceCount ?? 0,
        },
        billedInstances: running(seen.ProductionVariants) + runningBeside(seen),
      }
    },

    /**
     * Whether the list of endpoints has it: a second opinion on its absence, since a read may be answered from before it was made. Of
     * more than a hundred names that contain this one, only the newest are looked through.
     */
    async isListed(name: string, signal: AbortSignal): Promise<boolean> {
      const { Endpoints = [] } = await api.listEndpoints({ NameContains: name, MaxResults: 100 }, within(signal))
      return Endpoints.some(({ EndpointName }) => EndpointName === name)
    },

    /**
     * Starts a change of configuration. Counts and weights that autoscaling set are kept: without that, every update would start
     * InitialInstanceCount instances, and so wake an endpoint that sleeps.
     */
    async update(
      input: { name: string; configName: string; deployment: DeploymentConfig | undefined },
      signal: AbortSignal,
    ): Promise<'started' | 'in-progress' | 'no-config'> {
      const { name, configName, deployment } = input
      try {
        await api.updateEndpoint(
          {
            EndpointName: name,
            EndpointConfigName: configName,
            RetainAllVariantProperties: true,
            ...(deployment ? { DeploymentConfig: deployment } : {}),
          },
          within(signal),
        )
        return 'started'
      } catch (error) {
        if (isInProgress(error)) return 'in-progress'
        if (isNotFound(error, 'endpoint configuration')) return 'no-config'
        throw error
      }
    },

    /** 'started' does not mean gone: the name is free when observe finds nothing. */
    async delete(name: string, signal: AbortSignal): Promise<'started' | 'in-progress' | 'gone'> {
      try {
        await api.deleteEndpoint({ EndpointName: name }, within(signal))
        return 'started'
      } catch (error) {
        if (isInProgress(error)) return 'in-progress'
        if (isNotFound(error, 'endpoint')) return 'gone'
        throw error
      }
    },
  }
}

type Counted = { CurrentInstanceCount?: number | undefined }[]

function running(variants: Counted = []): number {
  return variants.reduce((sum, { CurrentInstanceCount = 0 }) => sum + CurrentInstanceCount, 0)
}

/** A summary under the serving configuration's name is of the same fleet, as when only its size changes. */
function runningBeside({
  EndpointConfigName,
  ProductionVariants,
  PendingDeploymentSummary: pending,
}: DescribeEndpointCommandOutput) {
  const same = pending?.EndpointConfigName === EndpointConfigName && (ProductionVariants?.length ?? 0) > 0
  return same ? 0 : running(pending?.ProductionVariants)
}

export type Endpoints = ReturnType<typeof endpoints>
