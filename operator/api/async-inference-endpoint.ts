import { z } from 'zod'
import { asyncInference } from './async-inference.ts'
import { asyncInferenceEndpointStatus } from './async-inference-endpoint-status.ts'
import { budget } from './cost.ts'
import { defaulted, matches, roleArn, rules, text } from './fields.ts'
import { instance, vpc } from './instance.ts'
import type { Resource } from './object.ts'
import { recovery } from './recovery.ts'
import { rollout } from './rollout.ts'
import { scaling } from './scaling.ts'
import { smokeTest } from './smoke-test.ts'

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
    rollout: defaulted(rollout),
    revision: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .optional()
      .describe(
        'Serves this earlier revision of status.revisions instead of what the rest of the spec describes, until it is taken out. `kubectl mooring rollback` sets it.',
      ),
    adopt: text(63)
      .meta(
        rules(
          matches(
            '[a-zA-Z0-9](-*[a-zA-Z0-9])*',
            "must be the name of an endpoint in SageMaker: letters, digits and '-'",
          ),
          {
            rule: 'self == oldSelf',
            message: 'cannot change: create a second object for the other endpoint',
          },
        ),
      )
      .optional()
      .describe(
        'The name of an endpoint that exists in SageMaker and belongs to no other object: Mooring takes it over and updates it to this spec without interrupting it, instead of creating one.',
      ),
    recovery: defaulted(recovery),
    smokeTest: smokeTest.optional(),
    budget: budget.optional(),
    tags: z
      .record(z.string(), text(256, 0))
      .meta({
        maxProperties: 30,
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
        rule: 'self.scaling.maxInstances == 0 || self.instance.initialCount <= self.scaling.maxInstances',
        message: 'must not exceed scaling.maxInstances: lower initialCount or raise scaling.maxInstances',
        fieldPath: '.instance.initialCount',
      },
      {
        rule: 'has(self.adopt) == has(oldSelf.adopt)',
        message: 'cannot be added or taken out: the endpoint would get another name. Create a second object',
        fieldPath: '.adopt',
      },
      {
        rule: "!has(self.smokeTest) || !has(self.smokeTest.expect) || self.smokeTest.expect.status != 'Failed' || has(self.async.output.s3FailurePath)",
        message:
          'cannot be Failed without spec.async.output.s3FailurePath, where SageMaker writes the error: set that path',
        fieldPath: '.smokeTest.expect.status',
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
