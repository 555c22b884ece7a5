import { ApplicationAutoScaling } from '@aws-sdk/client-application-auto-scaling'
import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs'
import { ECR } from '@aws-sdk/client-ecr'
import { Pricing } from '@aws-sdk/client-pricing'
import { ResourceGroupsTaggingAPI } from '@aws-sdk/client-resource-groups-tagging-api'
import { S3 } from '@aws-sdk/client-s3'
import { SageMaker } from '@aws-sdk/client-sagemaker'
import { SageMakerRuntime } from '@aws-sdk/client-sagemaker-runtime'
import { SNS } from '@aws-sdk/client-sns'

/** The AWS clients of one region. */
export type RegionClients = {
  sagemaker: SageMaker
  runtime: SageMakerRuntime
  autoscaling: ApplicationAutoScaling
  cloudwatch: CloudWatch
  logs: CloudWatchLogs
  s3: S3
  ecr: ECR
  sns: SNS
  tagging: ResourceGroupsTaggingAPI
}

export type Clients = {
  region(region: string): RegionClients
  /** The Price List: of all regions, in one place. */
  pricing(): Pricing
  /** Closes the connections. */
  close(): void
}

export type ClientsOptions = {
  /** Called for each request that went over the wire, retries included; `code` is OK or the error's name. */
  onRequest(service: string, operation: string, code: string): void
  /** Called before each request goes over the wire; it throws where none must. */
  permit?(): void
  /** Path-style S3 addresses, as servers other than AWS need: a bucket's name is no host name there. */
  pathStyle: boolean
  /** Where all services answer, where that is not for the SDK's own configuration to say: several clouds in one process. */
  endpoint?: string
}

/** A second and third try bridge a hiccup; longer waits belong to the workqueue, or the two backoffs multiply. */
const MAX_ATTEMPTS = 3
const CONNECT_TIMEOUT_MS = 3_000
const REQUEST_TIMEOUT_MS = 15_000
/** The Price List is served from few regions, for all of them. */
const PRICE_LIST_REGION = 'us-east-1'

/** One client per region and service, made on first use. Endpoint URL and credentials are the SDK's own business. */
export function clients({ onRequest, permit, pathStyle, endpoint }: ClientsOptions): Clients {
  const regions = new Map<string, RegionClients>()

  const counted = <Client extends object>(service: string, client: Client): Client => {
    // The clients' stacks differ in the types of input and output alone, which counting does not touch.
    const { middlewareStack } = client as unknown as Pick<SageMaker, 'middlewareStack'>
    middlewareStack.add(
      (next, context) => async (request) => {
        permit?.()
        const operation = String(context.commandName ?? 'Unknown').replace(/Command$/, '')
        try {
          const result = await next(request)
          onRequest(service, operation, 'OK')
          return result
        } catch (error) {
          onRequest(service, operation, error instanceof Error ? error.name : 'Unknown')
          throw error
        }
      },
      // Outside the step that makes errors of refusals, inside the one that retries.
      { step: 'deserialize', priority: 'high', name: 'mooringCountRequests' },
    )
    return client
  }

  const optionsFor = (region: string) => ({
    region,
    ...(endpoint ? { endpoint } : {}),
    maxAttempts: MAX_ATTEMPTS,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  })

  let pricing: Pricing | undefined
  const create = (region: string): RegionClients => {
    const options = optionsFor(region)
    return {
      sagemaker: counted('sagemaker', new SageMaker(options)),
      runtime: counted('sagemaker-runtime', new SageMakerRuntime(options)),
      autoscaling: counted('application-autoscaling', new ApplicationAutoScaling(options)),
      cloudwatch: counted('monitoring', new CloudWatch(options)),
      logs: counted('logs', new CloudWatchLogs(options)),
      s3: counted('s3', new S3({ ...options, forcePathStyle: pathStyle })),
      ecr: counted('ecr', new ECR(options)),
      sns: counted('sns', new SNS(options)),
      tagging: counted('tagging', new ResourceGroupsTaggingAPI(options)),
    }
  }

  return {
    region(region) {
      const known = regions.get(region)
      if (known) return known
      const made = create(region)
      regions.set(region, made)
      return made
    },
    pricing() {
      pricing ??= counted('pricing', new Pricing(optionsFor(PRICE_LIST_REGION)))
      return pricing
    },
    close() {
      pricing?.destroy()
      pricing = undefined
      for (const region of regions.values()) for (const client of Object.values(region)) client.destroy()
      regions.clear()
    },
  }
}
