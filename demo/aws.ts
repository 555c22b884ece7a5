import { S3Client } from '@aws-sdk/client-s3'
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'

export type Clients = { s3: S3Client; sns: SNSClient; sqs: SQSClient; runtime: SageMakerRuntimeClient }

/** The unmodified SDK, pointed at the local cloud by its endpoint URL alone. */
export function clients(endpoint: string, region: string): Clients {
  const common = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
  return {
    s3: new S3Client({ ...common, forcePathStyle: true }),
    sns: new SNSClient(common),
    sqs: new SQSClient({ ...common, useQueueUrlAsEndpoint: false }),
    runtime: new SageMakerRuntimeClient(common),
  }
}
