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
import { SQS } from '@aws-sdk/client-sqs'
import { attempts } from './attempts.ts'
import type { RateLimiter } from './rate-limits.ts'

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
  /** SQS, with the patience that long polls take. */
  queues(region: string): SQS
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
  /** Paces every attempt; without it, nothing does. */
  limiter?: RateLimiter
}

/**
 * A second and third try bridge a hiccup; longer waits belong to the workqueue, or the two backoffs multiply. Each try waits for its turn at
 * the rate limiter, and each refusal lowers the rate, so that tries do not add to a throttle.
 */
const MAX_ATTEMPTS = 3
const CONNECT_TIMEOUT_MS = 3_000
const REQUEST_TIMEOUT_MS = 15_000
/** An SQS long poll takes 20 s by itself. */
const LONG_POLL_TIMEOUT_MS = 25_000
/** The Price List is served from few regions, for all of them. */
const PRICE_LIST_REGION = 'us-east-1'

/** One client per region and service, made on first use. Endpoint URL and credentials are the SDK's own business. */
export function clients({ onRequest, permit, pathStyle, endpoint, limiter }: ClientsOptions): Clients {
  const regions = new Map<string, RegionClients>()

  const watched = <Client extends object>(service: string, client: Client, region: string): Client =>
    attempts(client, { service, region, onRequest, permit, limiter })

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
  const queues = new Map<string, SQS>()
  const create = (region: string): RegionClients => {
    const options = optionsFor(region)
    return {
      sagemaker: watched('sagemaker', new SageMaker(options), region),
      runtime: watched('sagemaker-runtime', new SageMakerRuntime(options), region),
      autoscaling: watched('application-autoscaling', new ApplicationAutoScaling(options), region),
      cloudwatch: watched('monitoring', new CloudWatch(options), region),
      logs: watched('logs', new CloudWatchLogs(options), region),
      s3: watched('s3', new S3({ ...options, forcePathStyle: pathStyle }), region),
      ecr: watched('ecr', new ECR(options), region),
      sns: watched('sns', new SNS(options), region),
      tagging: watched('tagging', new ResourceGroupsTaggingAPI(options), region),
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
      pricing ??= watched('pricing', new Pricing(optionsFor(PRICE_LIST_REGION)), PRICE_LIST_REGION)
      return pricing
    },
    queues(region) {
      const known = queues.get(region)
      if (known) return known
      const options = optionsFor(region)
      const requestHandler = { ...options.requestHandler, requestTimeout: LONG_POLL_TIMEOUT_MS }
      const made = watched('sqs', new SQS({ ...options, requestHandler }), region)
      queues.set(region, made)
      return made
    },
    close() {
      for (const client of queues.values()) client.destroy()
      queues.clear()
      pricing?.destroy()
      pricing = undefined
      for (const region of regions.values()) for (const client of Object.values(region)) client.destroy()
      regions.clear()
    },
  }
}
