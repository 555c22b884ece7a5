import { z } from 'zod'
import { rules, text } from './fields.ts'

const CANARY_LIMIT =
  "self.strategy != 'Canary' || self.step.type != 'CapacityPercent' || (self.step.value >= 1 && self.step.value <= 50)"
const LINEAR_LIMIT =
  "self.strategy != 'Linear' || self.step.type != 'CapacityPercent' || (self.step.value >= 10 && self.step.value <= 50)"
const ROLLING_LIMIT =
  "self.strategy != 'Rolling' || self.step.type != 'CapacityPercent' || (self.step.value >= 5 && self.step.value <= 50)"

/** How a step of a deployment is measured; SageMaker's CapacitySize. */
const step = z
  .object({
    type: z
      .enum(['CapacityPercent', 'InstanceCount'])
      .default('CapacityPercent')
      .describe('Whether value is a share of the instances, in percent, or their number.'),
    value: z.int().min(1).max(1000).default(10).describe('How much.'),
  })
  .describe('What moves first (Canary), with each step (Linear), or is replaced at once (Rolling).')

export const rollout = z
  .object({
    strategy: z
      .enum(['AllAtOnce', 'Canary', 'Linear', 'Rolling', 'Recreate'])
      .default('AllAtOnce')
      .describe(
        'How a new revision takes over. AllAtOnce, Canary and Linear start a second fleet beside the old one and move the traffic at once, in two steps, or in equal steps; Rolling replaces the instances in batches; Recreate deletes the endpoint and creates it again, which interrupts it but needs no second fleet.',
      ),
    step: step.prefault({ type: 'CapacityPercent', value: 10 }),
    waitIntervalSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(300)
      .describe('How long Canary, Linear and Rolling wait between steps and watch the alarms, in seconds.'),
    terminationWaitSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(0)
      .describe('How long the old fleet stays after the traffic has moved, in seconds. Both are billed meanwhile.'),
    maximumExecutionTimeoutSeconds: z
      .int()
      .min(600)
      .max(28_800)
      .optional()
      .describe('SageMaker rolls back when a deployment takes longer, in seconds.'),
    autoRollbackAlarms: z
      .array(text(255))
      .max(10)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .optional()
      .describe('CloudWatch alarms, by name: one in state ALARM during the deployment rolls it back.'),
    onFailure: z
      .enum(['RollBack', 'Hold'])
      .default('RollBack')
      .describe(
        'What follows when a new revision does not pass spec.smokeTest, or with Recreate cannot be created: the last good revision serves again, or the new one stays for somebody to look at.',
      ),
    wakeForSmokeTest: z
      .boolean()
      .default(false)
      .describe(
        'Whether an update of an endpoint that is scaled to zero wakes it for the smoke test; otherwise the test waits until requests wake it.',
      ),
    revisionHistoryLimit: z
      .int()
      .min(0)
      .max(10)
      .default(3)
      .describe('How many earlier revisions keep their model and configuration in SageMaker, which costs nothing.'),
  })
  .meta(
    rules(
      {
        rule: CANARY_LIMIT,
        message: 'must be at most 50 percent for Canary: lower it',
        fieldPath: '.step',
      },
      {
        rule: LINEAR_LIMIT,
        message: 'must be 10 to 50 percent for Linear: change it',
        fieldPath: '.step',
      },
      {
        rule: ROLLING_LIMIT,
        message: 'must be 5 to 50 percent for Rolling: change it',
        fieldPath: '.step',
      },
      {
        rule: "self.strategy != 'Recreate' || !has(self.autoRollbackAlarms)",
        message:
          'has no effect with Recreate, which is no deployment of SageMaker: take it out, or choose another strategy',
        fieldPath: '.autoRollbackAlarms',
      },
    ),
  )
  .describe('How changes reach the endpoint.')
