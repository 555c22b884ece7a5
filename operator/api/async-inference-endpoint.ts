import { z } from 'zod'
import { asyncInferenceEndpointStatus } from './async-inference-endpoint-status.ts'
import { defaulted, matches, roleArn, rules, s3Object, s3Prefix, snsTopicArn, text } from './fields.ts'
import type { Resource } from './object.ts'

const instance = z
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

const vpc = z
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

const asyncInference = z
  .object({
    maxConcurrentInvocationsPerInstance: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('How many requests one instance works on at once. SageMaker chooses when this is not given.'),
    output: z
      .object({
        s3OutputPath: s3Prefix().describe('Where responses go: s3://<bucket>/<prefix>/.'),
        s3FailurePath: s3Prefix().optional().describe('Where the responses of failed requests go.'),
        kmsKeyId: text(2048)
          .meta(
            rules(
              matches(
                'arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+|alias/[A-Za-z0-9/_-]+|(mrk-)?[0-9a-f-]{32,36}',
                'must name a KMS key: write its id, its ARN, or alias/<name>',
              ),
            ),
          )
          .optional()
          .describe('The KMS key that encrypts the output: an id, an ARN, or alias/<name>.'),
      })
      .describe('Where results go.'),
    notifications: z
      .object({
        successTopicArn: snsTopicArn().optional().describe('The SNS topic told of each answered request.'),
        errorTopicArn: snsTopicArn().optional().describe('The SNS topic told of each failed request.'),
        includeInferenceResponseIn: z
          .array(z.enum(['SUCCESS_NOTIFICATION_TOPIC', 'ERROR_NOTIFICATION_TOPIC']))
          .max(2)
          .meta({ 'x-kubernetes-list-type': 'set' })
          .optional()
          .describe('Which topics also carry the response itself.'),
      })
      .meta(
        rules(
          {
            rule: "!has(self.includeInferenceResponseIn) || !('SUCCESS_NOTIFICATION_TOPIC' in self.includeInferenceResponseIn) || has(self.successTopicArn)",
            message:
              'names SUCCESS_NOTIFICATION_TOPIC, but there is no such topic: set successTopicArn, or take the name out',
            fieldPath: '.includeInferenceResponseIn',
          },
          {
            rule: "!has(self.includeInferenceResponseIn) || !('ERROR_NOTIFICATION_TOPIC' in self.includeInferenceResponseIn) || has(self.errorTopicArn)",
            message:
              'names ERROR_NOTIFICATION_TOPIC, but there is no such topic: set errorTopicArn, or take the name out',
            fieldPath: '.includeInferenceResponseIn',
          },
        ),
      )
      .optional()
      .describe('Who is told.'),
  })
  .describe('How requests are queued and where their results go.')

const scaling = z
  .object({
    minInstances: z.int().min(0).max(1000).default(0).describe('The fewest instances; 0 costs nothing while idle.'),
    maxInstances: z.int().min(1).max(1000).default(1).describe('The most instances.'),
    targetBacklogPerInstance: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(5)
      .describe('How many queued requests per instance scaling aims at.'),
    scaleInCooldownSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe('How long to wait after one removal of instances before the next, in seconds.'),
    scaleOutCooldownSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(60)
      .describe('How long to wait after one addition of instances before the next, in seconds.'),
  })
  .meta(
    rules({
      rule: 'self.minInstances <= self.maxInstances',
      message: 'must not exceed maxInstances: lower minInstances or raise maxInstances',
      fieldPath: '.minInstances',
    }),
  )
  .describe('How the number of instances follows the backlog.')

const recovery = z
  .object({
    maxAttempts: z
      .int()
      .min(0)
      .max(100)
      .default(5)
      .describe(
        'How often a failed endpoint is deleted and created again before Mooring waits for a change. 0 turns it off.',
      ),
    backoffSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(30)
      .describe('The wait before the first attempt; it doubles each time.'),
    maxBackoffSeconds: z.int().min(1).max(86_400).default(1800).describe('The longest wait between attempts.'),
  })
  .meta(
    rules({
      rule: 'self.backoffSeconds <= self.maxBackoffSeconds',
      message: 'must not exceed maxBackoffSeconds: lower backoffSeconds or raise maxBackoffSeconds',
      fieldPath: '.backoffSeconds',
    }),
  )
  .describe('What happens when the endpoint fails.')

const smokeTest = z
  .object({
    input: z
      .object({
        inline: text(65_536).optional().describe('The request body as text.'),
        s3Uri: s3Object().optional().describe('The request body as an object in S3.'),
      })
      .meta(
        rules({
          rule: 'has(self.inline) != has(self.s3Uri)',
          message: 'needs exactly one of inline and s3Uri: give the body as text, or say where it lies',
        }),
      )
      .describe('What to send.'),
    contentType: text(1024).describe('The content type of the input, such as application/json.'),
    accept: text(1024).optional().describe('The content type to ask for.'),
    customAttributes: text(1024).optional().describe('Passed to the container in X-Amzn-SageMaker-Custom-Attributes.'),
    timeoutSeconds: z
      .int()
      .min(10)
      .max(3600)
      .default(600)
      .describe('How long the answer may take, in seconds, the start of an instance included.'),
    expect: z
      .object({
        contentType: text(1024).optional().describe('The content type that the answer must have.'),
        minBytes: z.int().min(0).max(1_073_741_824).optional().describe('The fewest bytes that the answer must have.'),
      })
      .optional()
      .describe('What must be true of the answer, besides that it came.'),
  })
  .describe('One real request that must be answered before the endpoint counts as Ready.')

export const asyncInferenceEndpointSpec = z
  .object({
    region: text(32)
      .meta(
        rules(
          matches('[a-z]{2}(-[a-z]+)+-[0-9]+', 'must be an AWS region such as us-east-1, not an availability zone'),
          {
            rule: 'self == oldSelf',
            message: 'cannot change: create a second object for the other region, then delete this one',
          },
        ),
      )
      .describe('The AWS region. It cannot change.'),
    executionRoleArn: roleArn().describe(
      'The IAM role that SageMaker assumes to pull the image and to read and write S3.',
    ),
    imageRef: z
      .object({
        name: text(253)
          .meta(
            rules(
              matches(
                '[a-z0-9]([a-z0-9.-]*[a-z0-9])?',
                "must be the name of a ModelImage in this namespace: lower-case letters, digits, '-' and '.'; an image reference belongs in that ModelImage's spec.image",
              ),
            ),
          )
          .describe('Its name.'),
      })
      .describe('The ModelImage, in the same namespace, whose digest the endpoint runs.'),
    modelDataUrl: text(1024)
      .meta(
        rules(
          matches(
            String.raw`s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+\.tar\.gz`,
            'must be one archive in S3: write s3://<bucket>/<key>.tar.gz',
          ),
        ),
      )
      .optional()
      .describe('A model.tar.gz that SageMaker unpacks into /opt/ml/model.'),
    environment: z
      .record(z.string(), text(1024, 0))
      .meta({
        maxProperties: 100,
        ...rules(
          {
            rule: "self.all(name, name.matches('^[a-zA-Z_][a-zA-Z0-9_]*$'))",
            message: 'names of variables may hold letters, digits and _, and start with no digit: rename the variable',
          },
          {
            rule: 'self.all(name, name.size() <= 1024)',
            message: 'names of variables may have 1024 characters: shorten the name',
          },
        ),
      })
      .optional()
      .describe('Environment variables for the container.'),
    instance,
    vpc: vpc.optional(),
    enableNetworkIsolation: z
      .boolean()
      .optional()
      .describe('Cuts the container off from the network; SageMaker still moves its input and output.'),
    async: asyncInference,
    scaling: defaulted(scaling),
    recovery: defaulted(recovery),
    smokeTest: smokeTest.optional(),
    tags: z
      .record(z.string(), text(256, 0))
      .meta({
        maxProperties: 40,
        ...rules(
          {
            rule: "self.all(key, !key.lowerAscii().startsWith('aws:'))",
            message: "keys that start with 'aws:' belong to AWS: rename the key",
          },
          {
            rule: "self.all(key, !key.startsWith('mooring.dev/'))",
            message: "keys that start with 'mooring.dev/' say which object owns a resource: rename the key",
          },
          {
            rule: String.raw`self.all(key, key.size() <= 128 && key.matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]+$'))`,
            message: 'keys may have 1 to 128 letters, digits, spaces and _.:/=+-@: shorten or rename the key',
          },
          {
            rule: String.raw`self.all(key, self[key].matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$'))`,
            message: 'values may hold letters, digits, spaces and _.:/=+-@: take the other characters out',
          },
        ),
      })
      .optional()
      .describe('Tags for everything created in AWS.'),
    deletionPolicy: z
      .enum(['Delete', 'Retain'])
      .default('Delete')
      .describe('Whether what was made in AWS goes with this object (Delete) or stays, unowned (Retain).'),
  })
  .meta(
    rules(
      {
        rule: 'self.instance.initialCount <= self.scaling.maxInstances',
        message: 'must not exceed scaling.maxInstances: lower initialCount or raise scaling.maxInstances',
        fieldPath: '.instance.initialCount',
      },
      topicInRegion('successTopicArn'),
      topicInRegion('errorTopicArn'),
    ),
  )
  .describe('What the user asks for.')

/** SageMaker publishes only within the region; the service says so when the endpoint has already failed. */
function topicInRegion(field: 'successTopicArn' | 'errorTopicArn') {
  const topic = `self.async.notifications.${field}`
  return {
    rule: `!has(self.async.notifications) || !has(${topic}) || ${topic}.split(':').size() < 4 || ${topic}.split(':')[3] == self.region`,
    message: 'must be a topic in spec.region: SageMaker publishes to no other region',
    fieldPath: `.async.notifications.${field}`,
  }
}

export const asyncInferenceEndpoint = z
  .object({ spec: asyncInferenceEndpointSpec, status: asyncInferenceEndpointStatus.optional() })
  .meta(
    rules({
      rule: 'self.metadata.name.size() <= 63',
      message: 'the name, metadata.name, may have 63 characters, as names in SageMaker do: shorten it',
    }),
  )
  .describe(
    'A SageMaker endpoint for asynchronous inference, from model to autoscaling, proven by a request and kept healthy.',
  )

export type AsyncInferenceEndpointSpec = z.infer<typeof asyncInferenceEndpointSpec>
export type AsyncInferenceEndpointStatus = z.infer<typeof asyncInferenceEndpointStatus>
export type AsyncInferenceEndpoint = Resource<AsyncInferenceEndpointSpec, AsyncInferenceEndpointStatus>
