import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { ECRClient } from '@aws-sdk/client-ecr'
import { S3Client } from '@aws-sdk/client-s3'
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker'
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/cloud.ts'
import { eventually } from '../operator/kube/support.ts'

export const REGISTRY = '123456789012.dkr.ecr.us-east-1.amazonaws.com'
export const ROLE = 'arn:aws:iam::123456789012:role/execution'
const NO_DELAYS = { creating: 0, updating: 0, deleting: 0, instanceStart: 0 }

export type Aws = ReturnType<typeof clientsOf>

/** A local cloud with one image that needs no process, and the unmodified SDK in front of it. */
export async function cloudWithClients(
  t: { teardown(fn: () => Promise<void>): void },
  options: LocalCloudOptions = {},
) {
  const cloud = await startLocalCloud({
    images: [{ repository: 'empty', tag: '1', command: [] }],
    ...options,
    delays: { ...NO_DELAYS, ...options.delays },
  })
  const aws = clientsOf(cloud)
  t.teardown(async () => {
    for (const client of Object.values(aws)) client.destroy()
    await cloud.stop()
  })
  return { cloud, aws }
}

function clientsOf(cloud: LocalCloud) {
  const common = {
    endpoint: cloud.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    // One attempt: what the service said is what the test sees.
    maxAttempts: 1,
  }
  return {
    sagemaker: new SageMakerClient(common),
    runtime: new SageMakerRuntimeClient(common),
    scaling: new ApplicationAutoScalingClient(common),
    cloudwatch: new CloudWatchClient(common),
    logs: new CloudWatchLogsClient(common),
    ecr: new ECRClient(common),
    s3: new S3Client({ ...common, forcePathStyle: true }),
    sns: new SNSClient(common),
    sqs: new SQSClient(common),
  }
}

/** An asynchronous endpoint in service, with one instance. */
export async function endpointInService({ sagemaker }: Aws, name = 'ep'): Promise<void> {
  await sagemaker.send(
    new CreateModelCommand({
      ModelName: name,
      ExecutionRoleArn: ROLE,
      PrimaryContainer: { Image: `${REGISTRY}/empty:1` },
    }),
  )
  await sagemaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: name,
      ProductionVariants: [
        { VariantName: 'AllTraffic', ModelName: name, InstanceType: 'ml.m5.xlarge', InitialInstanceCount: 1 },
      ],
      AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://bucket/output/' } },
    }),
  )
  await sagemaker.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: name }))
  await eventually(`${name} InService`, async () => (await instances({ sagemaker }, name)).status === 'InService')
}

export async function instances({ sagemaker }: Pick<Aws, 'sagemaker'>, name = 'ep') {
  const seen = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: name }))
  return {
    status: seen.EndpointStatus,
    current: seen.ProductionVariants?.[0]?.CurrentInstanceCount,
    desired: seen.ProductionVariants?.[0]?.DesiredInstanceCount,
  }
}
