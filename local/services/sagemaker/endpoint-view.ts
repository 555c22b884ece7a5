import type {
  EndpointSummary,
  InstancePoolSummary,
  PendingProductionVariantSummary,
  ProductionVariantSummary,
} from '@aws-sdk/client-sagemaker'
import type { JsonObject } from '../../service.ts'
import type { Endpoint, Variant } from './types.ts'

/** DescribeEndpoint's answer. */
export function describeEndpoint(endpoint: Endpoint): JsonObject {
  const { config, pending, failureReason, deployment } = endpoint
  return {
    EndpointName: endpoint.name,
    EndpointArn: endpoint.arn,
    EndpointConfigName: config.name,
    // An endpoint that is being created has no variants yet; what is coming stands in PendingDeploymentSummary.
    ...(endpoint.variants.size > 0
      ? { ProductionVariants: [...endpoint.variants.values()].map(summaryIn(endpoint)) }
      : {}),
    EndpointStatus: endpoint.status,
    ...(failureReason ? { FailureReason: failureReason } : {}),
    CreationTime: endpoint.createdAt,
    LastModifiedTime: endpoint.modifiedAt,
    ...(deployment ? { LastDeploymentConfig: deployment } : {}),
    ...(config.async ? { AsyncInferenceConfig: config.async } : {}),
    ...(pending
      ? {
          PendingDeploymentSummary: {
            EndpointConfigName: pending.config.name,
            ProductionVariants: [...pending.variants.values()].map(
              (variant): PendingProductionVariantSummary => ({
                ...summaryIn(endpoint)(variant),
                InstanceType: variant.config.InstanceType,
              }),
            ),
            StartTime: pending.startedAt,
          },
        }
      : {}),
  }
}

/** An item of ListEndpoints: no FailureReason and no configuration. */
export function endpointSummary(endpoint: Endpoint): EndpointSummary {
  return {
    EndpointName: endpoint.name,
    EndpointArn: endpoint.arn,
    CreationTime: endpoint.createdAt,
    LastModifiedTime: endpoint.modifiedAt,
    EndpointStatus: endpoint.status,
  }
}

const summaryIn =
  (endpoint: Endpoint) =>
  (variant: Variant): ProductionVariantSummary => {
    const { deployedImage: image, status } = variant
    const route = endpoint.routes.find(({ variants }) => variants.get(variant.name) === variant)
    return {
      VariantName: variant.name,
      DeployedImages: image
        ? [{ SpecifiedImage: image.specified, ResolvedImage: image.resolved, ResolutionTime: image.at }]
        : [],
      // While a deployment moves traffic, what the fleet gets of it now.
      CurrentWeight: variant.weight * (route?.share ?? 0),
      DesiredWeight: variant.weight,
      CurrentInstanceCount: variant.fleet.healthy().length,
      DesiredInstanceCount: variant.desired,
      ...poolCounts(variant),
      ...(status
        ? { VariantStatus: [{ Status: status.status, StatusMessage: status.message, StartTime: status.since }] }
        : {}),
    }
  }

function poolCounts({ config, fleet }: Variant): { InstancePools?: InstancePoolSummary[] } {
  if (!config.InstancePools) return {}
  const running = fleet.healthy()
  return {
    InstancePools: config.InstancePools.map(({ InstanceType }) => ({
      InstanceType,
      CurrentInstanceCount: running.filter(({ instanceType }) => instanceType === InstanceType).length,
    })),
  }
}
