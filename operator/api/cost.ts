import { z } from 'zod'
import { text, time } from './fields.ts'

export const budget = z
  .object({
    monthlyUsd: z
      .int()
      .min(1)
      .max(100_000_000)
      .describe(
        'US dollars for a calendar month (UTC). At 80 % a Warning Event says so. At 100 % scaling out is held until the next month or a higher budget, waking from zero included; what runs goes on running.',
      ),
  })
  .describe('How much the instances may cost.')

/** A number of dollars in decimal, for people and programs: a float would round. */
const usd = () => text(32)

const usage = z.object({
  instanceType: text(64).describe('The instance type.'),
  hourlyPrice: usd().optional().describe('US dollars an hour and instance; absent while nobody knows it.'),
  instanceSeconds: z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe('Seconds of instances, added up.'),
})

export const costStatus = z
  .object({
    month: text(7).describe('The calendar month that is counted, in UTC, such as 2026-11.'),
    monthToDate: usd().optional().describe('US dollars since the month began, by the time of the last count.'),
    hourlyPrice: usd().optional().describe('US dollars an hour and instance.'),
    hourly: usd().optional().describe('US dollars an hour for the instances that run.'),
    alwaysOn: usd()
      .optional()
      .describe('What a month of 730 hours costs with scaling.minInstances instances, at least one, always on.'),
    saved: usd()
      .optional()
      .describe(
        'How much less that is than so many instances always on, since the month began or the object was created, by the time of the last count.',
      ),
    priceSource: z
      .enum(['PriceList', 'Override', 'BuiltIn'])
      .optional()
      .describe(
        "Where the price comes from: AWS's Price List, the operator's own file, or the table that comes along.",
      ),
    priceAsOf: text(32).optional().describe('Of when the price is.'),
    message: text(300).optional().describe('Why there is no price.'),
    instances: z
      .int()
      .min(0)
      .max(1_000_000)
      .describe('How many instances are billed, of both fleets during an update.'),
    countedAt: time().describe(
      'When that was last counted: every ten minutes while instances run, and when it changes.',
    ),
    usage: z.array(usage).max(16).describe('What the month is made of, by instance type and price.'),
    warnedAt: z
      .int()
      .min(1)
      .max(100_000_000)
      .optional()
      .describe('The budget of which it was said this month that 80 % are used.'),
  })
  .describe(
    'What the instances cost, by on-demand prices: an estimate, without volumes, data, taxes and discounts. AWS’s bill is what counts.',
  )

export type Budget = z.infer<typeof budget>
export type CostStatus = z.infer<typeof costStatus>
