import { z } from 'zod'
import { rules } from './fields.ts'

export const scaling = z
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
