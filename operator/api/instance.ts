import { z } from 'zod'
import { matches, rules, text } from './fields.ts'

export const instance = z
  .object({
    type: text(64)
      .meta(
        rules(
          matches(
            String.raw`ml\.[a-z0-9-]+\.[a-z0-9]+`,
            "must be a SageMaker hosting instance type: put 'ml.' before the EC2 name, as in ml.g5.2xlarge",
          ),
        ),
      )
      .describe('The instance type, such as ml.g5.2xlarge.'),
    initialCount: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe(
        'How many instances a new endpoint starts with. SageMaker creates none with 0; scaling goes there later.',
      ),
    volumeSizeInGB: z.int().min(1).max(512).optional().describe('The size of the EBS volume of an instance, in GB.'),
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
    inferenceAmiVersion: z
      .enum([
        'al2-ami-sagemaker-inference-gpu-2',
        'al2-ami-sagemaker-inference-gpu-2-1',
        'al2-ami-sagemaker-inference-gpu-3-1',
        'al2023-ami-sagemaker-inference-gpu-4-1',
        'al2-ami-sagemaker-inference-neuron-2',
      ])
      .optional()
      .describe('The machine image of the instance, which fixes the driver and the CUDA version.'),
  })
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
