import { z } from 'zod'
import { rules } from './fields.ts'

export const recovery = z
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
    resetAfterSeconds: z
      .int()
      .min(0)
      .max(604_800)
      .default(3600)
      .describe('How long the endpoint must have been Ready until its attempts are counted from zero again.'),
    unhealthyAfterSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(1800)
      .describe(
        'How long an endpoint may say InService without one running instance, although it should have some, until it is recreated. 0 turns it off.',
      ),
  })
  .meta(
    rules({
      rule: 'self.backoffSeconds <= self.maxBackoffSeconds',
      message: 'must not exceed maxBackoffSeconds: lower backoffSeconds or raise maxBackoffSeconds',
      fieldPath: '.backoffSeconds',
    }),
  )
  .describe('What happens when the endpoint fails.')
