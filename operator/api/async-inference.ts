import { z } from 'zod'
import { matches, rules, s3Prefix, snsTopicArn, text } from './fields.ts'

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
