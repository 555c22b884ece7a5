import { z } from 'zod'
import { kmsKey, matches, rules, text } from './fields.ts'

export const instanceType = () =>
  text(64).meta(
    rules(
      matches(
        String.raw`ml\.[a-z0-9-]+\.[a-z0-9]+`,
        "must be a SageMaker hosting instance type: put 'ml.' before the EC2 name, as in ml.g5.2xlarge",
      ),
    ),
  )

export const inferenceAmiVersion = z.enum([
  'al2-ami-sagemaker-inference-gpu-2',
  'al2-ami-sagemaker-inference-gpu-2-1',
  'al2-ami-sagemaker-inference-gpu-3-1',
  'al2023-ami-sagemaker-inference-gpu-4-1',
  'al2-ami-sagemaker-inference-neuron-2',
])

const fallback = z
  .object({
    types: z
      .array(instanceType())
      .min(1)
      .max(4)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The instance types to use instead, in order.'),
    mode: z
      .enum(['InstancePools', 'InOrder'])
      .default('InstancePools')
      .describe(
        "Who falls back: SageMaker, whenever an instance is started (InstancePools), or Mooring, when a creation failed for lack of capacity (InOrder), where a region or an instance type has no pools. InOrder keeps the type that worked until spec.instance's types or the annotation mooring.dev/retry change.",
      ),
    provisionTimeoutSeconds: z
      .int()
      .min(300)
      .max(3600)
      .optional()
      .describe(
        'How long SageMaker waits for capacity in a pool before it takes the next, in seconds. InstancePools only.',
      ),
  })
  .describe('Other instance types, for when AWS has none of spec.instance.type free.')

export const instance = z
  .object({
    type: instanceType().describe('The instance type, such as ml.g5.2xlarge.'),
    fallback: fallback.optional(),
    initialCount: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe(
        'How many instances a new endpoint starts with. SageMaker creates none with 0; scaling goes there later.',
      ),
    volumeSizeInGB: z.int().min(1).max(512).optional().describe('The size of the EBS volume of an instance, in GB.'),
    volumeKmsKeyId: kmsKey()
      .optional()
      .describe(
        'The KMS key that encrypts the EBS volume: an id, an ARN, or alias/<name>. Not for instance types with local storage, such as ml.g5 and ml.g4dn, which AWS encrypts by itself and for which SageMaker refuses a key.',
      ),
    containerStartupHealthCheckTimeoutInSeconds: z
      .int()
      .min(60)
      .max(3600)
      .optional()
      .describe('How long a container may take until it answers /ping, in seconds.'),
    modelDataDownloadTimeoutInSeconds: z
      .int()
      .min(60)
      .max(3600)
      .optional()
      .describe('How long the download of the model data may take, in seconds.'),
    inferenceAmiVersion: inferenceAmiVersion
      .optional()
      .describe('The machine image of the instance, which fixes the driver and the CUDA version.'),
  })
  .meta(
    rules(
      {
        rule: '!has(self.fallback) || !(self.type in self.fallback.types)',
        message: 'names the type itself: name other types only',
        fieldPath: '.fallback.types',
      },
      {
        rule: "!has(self.fallback) || !has(self.fallback.provisionTimeoutSeconds) || self.fallback.mode == 'InstancePools'",
        message: 'belongs to InstancePools: take it out, or set mode: InstancePools',
        fieldPath: '.fallback.provisionTimeoutSeconds',
      },
    ),
  )
  .describe('The machines.')

export const vpc = z
  .object({
    securityGroupIds: z
      .array(text(32).meta(rules(matches('sg-[0-9a-z]+', 'must be a security group id: write sg-<id>, not its name'))))
      .min(1)
      .max(5)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Security groups for the containers.'),
    subnets: z
      .array(text(32).meta(rules(matches('subnet-[0-9a-z]+', 'must be a subnet id: write subnet-<id>, not its name'))))
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Subnets for the containers; two or more availability zones keep the endpoint up when one fails.'),
  })
  .describe('Runs the containers in your VPC.')
