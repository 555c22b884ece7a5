import type { AutoRollbackConfig, CapacitySize, DeploymentConfig } from '@aws-sdk/client-sagemaker'
import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'

type Rollout = AsyncInferenceEndpointSpec['rollout']

/** SageMaker requires a limit for rolling deployments; its longest. */
const ROLLING_LIMIT_SECONDS = 28_800

/** The DeploymentConfig of an update; undefined where SageMaker's default, all at once, says the same. */
export function deploymentOf(rollout: Rollout): DeploymentConfig | undefined {
  const { strategy, waitIntervalSeconds, terminationWaitSeconds, maximumExecutionTimeoutSeconds: limit } = rollout
  const alarms = alarmsOf(rollout)
  const size = sizeOf(rollout)
  if (strategy === 'Recreate') return undefined
  if (strategy === 'Rolling')
    return {
      RollingUpdatePolicy: {
        MaximumBatchSize: size,
        WaitIntervalInSeconds: waitIntervalSeconds,
        MaximumExecutionTimeoutInSeconds: limit ?? ROLLING_LIMIT_SECONDS,
      },
      ...alarms,
    }
  if (strategy === 'AllAtOnce' && terminationWaitSeconds === 0 && limit === undefined && !alarms) return undefined
  const routing = {
    AllAtOnce: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
    Canary: { Type: 'CANARY', WaitIntervalInSeconds: waitIntervalSeconds, CanarySize: size },
    Linear: { Type: 'LINEAR', WaitIntervalInSeconds: waitIntervalSeconds, LinearStepSize: size },
  } as const
  return {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: routing[strategy],
      TerminationWaitInSeconds: terminationWaitSeconds,
      ...(limit === undefined ? {} : { MaximumExecutionTimeoutInSeconds: limit }),
    },
    ...alarms,
  }
}

function alarmsOf({ autoRollbackAlarms = [] }: Rollout): { AutoRollbackConfiguration: AutoRollbackConfig } | undefined {
  if (autoRollbackAlarms.length === 0) return undefined
  return { AutoRollbackConfiguration: { Alarms: autoRollbackAlarms.map((AlarmName) => ({ AlarmName })) } }
}

function sizeOf({ step }: Rollout): CapacitySize {
  return { Type: step.type === 'InstanceCount' ? 'INSTANCE_COUNT' : 'CAPACITY_PERCENT', Value: step.value }
}
