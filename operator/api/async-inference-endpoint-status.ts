import { z } from 'zod'
import { conditions, generation, text, time } from './fields.ts'

const count = () => z.int().min(0).max(1_000_000)

const smokeTest = z
  .object({
    revision: text(128).describe('What was tested: changes with the image, the configuration and the test itself.'),
    inferenceId: text(64).optional().describe("SageMaker's id of the request."),
    startedAt: time().describe('When the request was sent.'),
    outputLocation: text(1024).optional().describe('Where the answer appears.'),
    failureLocation: text(1024).optional().describe('Where an error appears.'),
    result: z.enum(['Pending', 'Passed', 'Failed']).describe('How it went.'),
    message: text(1024, 0).optional().describe('Why it failed.'),
    durationMs: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional().describe('How long the answer took, in ms.'),
  })
  .describe('The smoke test of this revision.')

const recovery = z
  .object({
    attempts: count().describe('How often the endpoint was recreated since it last worked.'),
    nextAttemptTime: time().optional().describe('When the next attempt is due.'),
    creatingSince: time().optional().describe('Since when SageMaker has been creating the endpoint.'),
    revision: text(64)
      .optional()
      .describe('What the attempts were for: a new generation, digest or retry annotation starts the count again.'),
  })
  .describe('The recovery from failure.')

const rollout = z
  .object({
    endpointConfigName: text(63).describe('The configuration that the endpoint was last asked to take.'),
    previousConfigName: text(63).optional().describe('The one it had before, kept until the new one is in service.'),
    retry: text(256, 0).optional().describe('The value of the annotation mooring.dev/retry at that time.'),
    result: z.enum(['InProgress', 'Succeeded', 'RolledBack']).describe('What became of it.'),
  })
  .describe('The last change of configuration; one that was rolled back is not tried again by itself.')

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
        'ImageReady, ModelReady, ConfigReady, EndpointInService, AutoscalingReady, SmokeTestPassed, and Ready, which follows from them; beside them Progressing and Degraded.',
      ),
    image: text(600).optional().describe('The pinned reference that the endpoint runs.'),
    shortDigest: text(12).optional().describe('The first 12 hexadecimal digits of its digest.'),
    modelName: text(63).optional().describe('The SageMaker model.'),
    endpointConfigName: text(63).optional().describe('The SageMaker endpoint configuration.'),
    endpointName: text(63).optional().describe('The SageMaker endpoint: what to invoke.'),
    endpointArn: text(2048).optional().describe('Its ARN.'),
    endpointStatus: text(64).optional().describe("SageMaker's own word for its state."),
    instances: z
      .object({
        current: count().optional().describe('Running.'),
        desired: count().optional().describe('Asked for.'),
        min: count().optional().describe('The fewest.'),
        max: count().optional().describe('The most.'),
        summary: text(64).optional().describe('Running/asked for (fewest-most), such as 1/1 (0-3).'),
      })
      .optional()
      .describe('The number of instances.'),
    smokeTest: smokeTest.optional(),
    rollout: rollout.optional(),
    recovery: recovery.optional(),
    lastFailure: lastFailure.optional(),
  })
  .describe('What Mooring has seen and done.')
