import { randomUUID } from 'node:crypto'
import type { EndpointStatus, Tag } from '@aws-sdk/client-sagemaker'
import type { Endpoint } from './types.ts'

/** An EventBridge event, as far as it is always the same. */
export type EndpointStateChange = {
  version: '0'
  id: string
  'detail-type': 'SageMaker Endpoint State Change'
  source: 'aws.sagemaker'
  account: string
  /** Milliseconds since the epoch, as text: so in AWS's own example, where other services' events have RFC 3339. */
  time: string
  region: string
  resources: string[]
  detail: {
    EndpointName: string
    EndpointArn: string
    EndpointConfigName: string
    ProductionVariants: { DesiredWeight: number; DesiredInstanceCount: number }[]
    /** In upper snake case, unlike the API's. */
    EndpointStatus: string
    /** Milliseconds since the epoch. */
    CreationTime: number
    LastModifiedTime: number
    Tags: Record<string, string>
  }
}

/**
 * What EventBridge is told when an endpoint enters a state.
 * https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
 */
export function stateChange(
  endpoint: Endpoint,
  tags: readonly Tag[],
  region: string,
  status = upperSnake(endpoint.status),
): EndpointStateChange {
  const { name, arn, config, variants, createdAt, modifiedAt } = endpoint
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'SageMaker Endpoint State Change',
    source: 'aws.sagemaker',
    account: arn.split(':')[4] ?? '',
    time: String(modifiedAt.getTime()),
    region,
    resources: [arn],
    detail: {
      EndpointName: name,
      EndpointArn: arn,
      EndpointConfigName: config.name,
      ProductionVariants: [...variants.values()].map(({ weight, desired }) => ({
        DesiredWeight: weight,
        DesiredInstanceCount: desired,
      })),
      EndpointStatus: status,
      CreationTime: createdAt.getTime(),
      LastModifiedTime: modifiedAt.getTime(),
      Tags: Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value])),
    },
  }
}

/** `InService` → `IN_SERVICE`. */
export function upperSnake(status: EndpointStatus): string {
  return status.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
}
