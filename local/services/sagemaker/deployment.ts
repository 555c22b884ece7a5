import type { DeploymentConfig } from '@aws-sdk/client-sagemaker'

/** The waits of a blue/green deployment, in milliseconds: before all traffic has moved, and before the old fleet ends. */
export function bakingTimes(deployment: DeploymentConfig | undefined): { shifting: number[]; termination: number } {
  const policy = deployment?.BlueGreenUpdatePolicy
  const routing = policy?.TrafficRoutingConfiguration
  const wait = (routing?.WaitIntervalInSeconds ?? 0) * 1000
  const termination = (policy?.TerminationWaitInSeconds ?? 0) * 1000
  if (routing?.Type === 'CANARY') return { shifting: [wait], termination }
  if (routing?.Type === 'LINEAR') {
    const { Type: type, Value: size = 100 } = routing.LinearStepSize ?? {}
    // Steps by instance count would need the fleet's size; the percentage is what the waits are usually planned with.
    const steps = type === 'CAPACITY_PERCENT' ? Math.ceil(100 / size) - 1 : 1
    return { shifting: Array(Math.max(1, steps)).fill(wait), termination }
  }
  return { shifting: [], termination }
}
