import { z } from 'zod'
import { matches, rules, text, time } from './fields.ts'

const NUMBER = '[0-9*/,LW#?A-Za-z-]+'

const scheduledAction = z
  .object({
    name: text(63)
      .meta(rules(matches('[a-z0-9]([a-z0-9-]*[a-z0-9])?', "may hold lower-case letters, digits and '-': rename it")))
      .describe('Its name, unique in this list.'),
    schedule: text(256)
      .meta(
        rules(
          matches(
            String.raw`at\([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\)|rate\([1-9][0-9]* (minutes?|hours?|days?)\)|cron\(${NUMBER} ${NUMBER} ${NUMBER} ${NUMBER} ${NUMBER} ${NUMBER}\)`,
            'must be a schedule of Application Auto Scaling: write at(2027-01-31T08:00:00), rate(12 hours), or cron with its six fields, such as cron(0 8 ? * MON-FRI *)',
          ),
        ),
      )
      .describe('When: at(<time>), rate(<number> <unit>) or cron(<minute> <hour> <day> <month> <weekday> <year>).'),
    timezone: text(64).optional().describe('The time zone of at and cron, such as Europe/Berlin. UTC by default.'),
    startTime: time().optional().describe('When it begins to apply.'),
    endTime: time().optional().describe('When it ceases to apply.'),
    minInstances: z.int().min(0).max(1000).optional().describe('The fewest instances from then on.'),
    maxInstances: z.int().min(0).max(1000).optional().describe('The most instances from then on.'),
  })
  .meta(
    rules(
      {
        rule: 'has(self.minInstances) || has(self.maxInstances)',
        message: 'changes nothing: give minInstances, maxInstances or both',
      },
      {
        rule: '!has(self.minInstances) || !has(self.maxInstances) || self.minInstances <= self.maxInstances',
        message: 'must not exceed maxInstances: lower minInstances or raise maxInstances',
        fieldPath: '.minInstances',
      },
    ),
  )

export const scaling = z
  .object({
    minInstances: z.int().min(0).max(1000).default(0).describe('The fewest instances; 0 costs nothing while idle.'),
    maxInstances: z
      .int()
      .min(0)
      .max(1000)
      .default(1)
      .describe('The most instances. 0 suspends the endpoint: requests queue until they expire, and no instance runs.'),
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
    schedule: z
      .array(scheduledAction)
      .max(20)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional()
      .describe(
        'Changes of minInstances and maxInstances at set times. Between them the last one counts; a change of minInstances or maxInstances in the spec counts from then on.',
      ),
  })
  .meta(
    rules({
      rule: 'self.minInstances <= self.maxInstances',
      message: 'must not exceed maxInstances: lower minInstances or raise maxInstances',
      fieldPath: '.minInstances',
    }),
  )
  .describe('How the number of instances follows the backlog.')
