import { z } from 'zod'
import { costStatus } from './cost.ts'
import { conditions, generation, text, time } from './fields.ts'
import { smokeTestStatus } from './smoke-test.ts'

const count = () => z.int().min(0).max(1_000_000)

const recovery = z
  .object({
    attempts: count().describe('How often the endpoint was recreated since it last worked.'),
    nextAttemptTime: time().optional().describe('When the next attempt is due.'),
    unhealthySince: time()
      .optional()
      .describe('Since when the endpoint has had no running instance although it should.'),
    creatingSince: time().optional().describe('Since when SageMaker has been creating the endpoint.'),
    revision: text(64)
      .optional()
      .describe('What the attempts were for: a new generation, digest or retry annotation starts the count again.'),
  })
  .describe('The recovery from failure.')

const rollout = z
  .object({
    endpointConfigName: text(63).describe('The configuration that the endpoint was last asked to take.'),
    previousConfigName: text(63).optional().describe('The last good one before it: what a rollback goes back to.'),
    retry: text(256, 0).optional().describe('The value of the annotation mooring.dev/retry at that time.'),
    result: z
      .enum(['InProgress', 'Succeeded', 'RollingBack', 'RolledBack', 'RollbackFailed'])
      .describe('What became of it.'),
    cause: z
      .enum(['Update', 'SmokeTest', 'Recreate'])
      .optional()
      .describe('What failed, where it was rolled back: the update in SageMaker, the smoke test, or the creation.'),
    collected: z.boolean().optional().describe('Whether what is no longer kept of earlier revisions was deleted.'),
  })
  .describe('The last change of configuration; one that was rolled back is not tried again by itself.')

const revision = z.object({
  number: z.int().min(1).max(1_000_000_000).describe('Counts from 1 for each object.'),
  endpointConfigName: text(63).describe('Its configuration in SageMaker.'),
  modelName: text(63).describe('Its model in SageMaker.'),
  image: text(600).optional().describe('The pinned image reference.'),
  generation: generation().describe('The metadata.generation that first asked for it.'),
  firstAttemptTime: time().describe('When the endpoint was first asked to take it.'),
  outcome: z
    .enum(['InProgress', 'Succeeded', 'Failed'])
    .describe('Whether it came into service and passed its smoke test.'),
})

const lastFailure = z
  .object({
    time: time().describe('When the failure was seen.'),
    reason: text(1024, 0).describe("SageMaker's FailureReason."),
    permanent: z.boolean().describe('Whether only a change by the user can help.'),
    logTail: z.array(text(512, 0)).max(50).optional().describe("The container's last log lines."),
  })
  .describe('The last failure, kept after recovery.')

export const asyncInferenceEndpointStatus = z
  .object({
    observedGeneration: generation().optional().describe('The metadata.generation that this status speaks about.'),
    phase: text(32).optional().describe('The state in one word, such as Creating, InService, ScaledToZero or Failed.'),
    conditions: conditions()
      .optional()
      .describe(
        'ImageReady, ModelReady, ConfigReady, EndpointInService, AutoscalingReady, SmokeTestPassed, and Ready, which follows from them; beside them Progressing, Degraded and WithinBudget.',
      ),
    image: text(600).optional().describe('The pinned reference that the endpoint runs.'),
    shortDigest: text(12).optional().describe('The first 12 hexadecimal digits of its digest.'),
    modelName: text(63).optional().describe('The SageMaker model.'),
    endpointConfigName: text(63).optional().describe('The SageMaker endpoint configuration.'),
    endpointName: text(63).optional().describe('The SageMaker endpoint: what to invoke.'),
    endpointArn: text(2048).optional().describe('Its ARN.'),
    endpointStatus: text(64).optional().describe("SageMaker's own word for its state."),
    topics: z
      .object({
        success: text(2048).describe('Told of each answered request.'),
        error: text(2048).describe('Told of each failed request.'),
      })
      .optional()
      .describe('The ARNs of the SNS topics that Mooring made.'),
    instances: z
      .object({
        current: count().optional().describe('Running.'),
        desired: count().optional().describe('Asked for.'),
        billed: count()
          .optional()
          .describe('Billed, where that is more than run the serving configuration: both fleets of an update.'),
        backlog: count().optional().describe('Requests that wait or are worked on, as CloudWatch last said.'),
        min: count().optional().describe('The fewest.'),
        max: count().optional().describe('The most.'),
        summary: text(64).optional().describe('Running/asked for (fewest-most), such as 1/1 (0-3).'),
      })
      .optional()
      .describe('The number of instances.'),
    smokeTest: smokeTestStatus.optional(),
    cost: costStatus.optional(),
    rollout: rollout.optional(),
    currentRevision: z.int().min(1).max(1_000_000_000).optional().describe('The number of the revision that serves.'),
    attemptedRevision: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .optional()
      .describe('The number of the revision that was last asked for.'),
    revisions: z
      .array(revision)
      .max(12)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['number'] })
      .optional()
      .describe('The revisions whose model and configuration are kept, the newest first.'),
    instanceType: text(64)
      .optional()
      .describe('The instance type in use, where spec.instance.fallback.mode is InOrder.'),
    fallback: z
      .object({
        of: text(64).describe('Which types it was chosen from: with others it begins anew.'),
        index: z
          .int()
          .min(0)
          .max(4)
          .describe('Which one: 0 is spec.instance.type, then follow spec.instance.fallback.types.'),
      })
      .optional()
      .describe('Which instance type is tried.'),
    adopted: z.boolean().optional().describe('Whether the endpoint in spec.adopt was taken over.'),
    tags: z
      .object({
        revision: text(64).describe('Which tags they are.'),
        keys: z
          .array(text(128))
          .max(50)
          .meta({ 'x-kubernetes-list-type': 'set' })
          .describe('Their keys: those no longer wanted are taken off.'),
      })
      .optional()
      .describe('The tags that were set in SageMaker.'),
    scalingRevision: text(64)
      .optional()
      .describe('Which bounds, schedule and suspension the scalable target was given.'),
    endpointCreationTime: time()
      .optional()
      .describe('When the endpoint was created: another one of its name is not ours.'),
    recovery: recovery.optional(),
    lastFailure: lastFailure.optional(),
  })
  .describe('What Mooring has seen and done.')
