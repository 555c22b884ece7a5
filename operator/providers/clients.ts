import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { ECRClient } from '@aws-sdk/client-ecr'
import { S3Client } from '@aws-sdk/client-s3'
import { SageMakerClient } from '@aws-sdk/client-sagemaker'
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime'

export type AwsClients = {
  sagemaker: SageMakerClient
  runtime: SageMakerRuntimeClient
  autoscaling: ApplicationAutoScalingClient
  cloudwatch: CloudWatchClient
  logs: CloudWatchLogsClient
  ecr: ECRClient
  s3: S3Client
}

/** Called once for each request that went out, retries included; `code` is the error's name, or OK. */
export type CountRequest = (service: string, operation: string, code: string) => void

/** Waiting longer is the workqueue's business: SDK retries and backoff there would multiply. */
const MAX_ATTEMPTS = 3
const REQUEST_TIMEOUT_MS = 20_000
const CONNECTION_TIMEOUT_MS = 5_000

export type ClientFactory = {
  /** One set of clients a region, made at first use. */
  for(region: string): AwsClients
  destroy(): void
}

/**
 * The SDK's clients, shared by all objects of a region. Credentials, and AWS_ENDPOINT_URL for the local cloud, come from the
 * environment by the SDK's own rules.
 */
export function awsClients(count: CountRequest): ClientFactory {
  const regions = new Map<string, AwsClients>()
  const counted = <C extends Countable>(service: string, client: C): C => {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const operation = (context.commandName ?? 'Unknown').replace(/Command$/, '')
        try {
          const result = await next(args)
          count(service, operation, 'OK')
          return result
        } catch (error) {
          count(service, operation, error instanceof Error ? error.name : 'Unknown')
          throw error
        }
      },
      // After the retry middleware: each attempt is a request of its own.
      { step: 'finalizeRequest', priority: 'low', name: 'mooringCount' },
    )
    return client
  }
  return {
    for(region) {
      const known = regions.get(region)
      if (known) return known
      const common = {
        region,
        maxAttempts: MAX_ATTEMPTS,
        requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, connectionTimeout: CONNECTION_TIMEOUT_MS },
      }
      // Bucket names as host names do not resolve on a local endpoint.
      const forcePathStyle = Boolean(process.env.AWS_ENDPOINT_URL ?? process.env.AWS_ENDPOINT_URL_S3)
      const made: AwsClients = {
        sagemaker: counted('sagemaker', new SageMakerClient(common)),
        runtime: counted('sagemaker-runtime', new SageMakerRuntimeClient(common)),
        autoscaling: counted('application-autoscaling', new ApplicationAutoScalingClient(common)),
        cloudwatch: counted('monitoring', new CloudWatchClient(common)),
        logs: counted('logs', new CloudWatchLogsClient(common)),
        ecr: counted('ecr', new ECRClient(common)),
        s3: counted('s3', new S3Client({ ...common, forcePathStyle })),
      }
      regions.set(region, made)
      return made
    },
    destroy() {
      for (const set of regions.values()) for (const client of Object.values(set)) client.destroy()
      regions.clear()
    },
  }
}

type Countable = {
  middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<never>,
        context: { commandName?: string },
      ) => (args: never) => Promise<never>,
      options: { step: 'finalizeRequest'; priority: 'low'; name: string },
    ): void
  }
}
