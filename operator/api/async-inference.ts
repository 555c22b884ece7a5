import { z } from 'zod'
import { kmsKey, rules, s3Prefix, snsTopicArn } from './fields.ts'

export const asyncInference = z
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
        kmsKeyId: kmsKey().optional().describe('The KMS key that encrypts the output: an id, an ARN, or alias/<name>.'),
      })
      .describe('Where results go.'),
    notifications: z
      .object({
        successTopicArn: snsTopicArn().optional().describe('The SNS topic told of each answered request.'),
        errorTopicArn: snsTopicArn().optional().describe('The SNS topic told of each failed request.'),
        createTopics: z
          .boolean()
          .optional()
          .describe(
            'Lets Mooring make both topics, <endpoint name>-success and <endpoint name>-error, and delete them with this object; status.topics has their ARNs. The execution role must be allowed to publish to them.',
          ),
        kmsKeyId: kmsKey()
          .optional()
          .describe(
            'The KMS key that encrypts the topics that Mooring makes: an id, an ARN, or alias/<name>. The execution role must be allowed to use it: kms:GenerateDataKey and kms:Decrypt.',
          ),
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
            rule: '!has(self.createTopics) || !self.createTopics || !has(self.successTopicArn) && !has(self.errorTopicArn)',
            message: 'makes both topics: take it out, or take successTopicArn and errorTopicArn out',
            fieldPath: '.createTopics',
          },
          {
            rule: '!has(self.kmsKeyId) || has(self.createTopics) && self.createTopics',
            message: 'is for the topics that Mooring makes: set createTopics: true, or take kmsKeyId out',
            fieldPath: '.kmsKeyId',
          },
          {
            rule: "!has(self.includeInferenceResponseIn) || !('SUCCESS_NOTIFICATION_TOPIC' in self.includeInferenceResponseIn) || has(self.successTopicArn) || has(self.createTopics) && self.createTopics",
            message:
              'names SUCCESS_NOTIFICATION_TOPIC, but there is no such topic: set successTopicArn or createTopics, or take the name out',
            fieldPath: '.includeInferenceResponseIn',
          },
          {
            rule: "!has(self.includeInferenceResponseIn) || !('ERROR_NOTIFICATION_TOPIC' in self.includeInferenceResponseIn) || has(self.errorTopicArn) || has(self.createTopics) && self.createTopics",
            message:
              'names ERROR_NOTIFICATION_TOPIC, but there is no such topic: set errorTopicArn or createTopics, or take the name out',
            fieldPath: '.includeInferenceResponseIn',
          },
        ),
      )
      .optional()
      .describe('Who is told.'),
  })
  .describe('How requests are queued and where their results go.')
