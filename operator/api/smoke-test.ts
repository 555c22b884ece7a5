import { z } from 'zod'
import { rules, s3Object, text } from './fields.ts'

export const smokeTest = z
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
