import type { BlueGreenUpdatePolicy, CapacitySize } from '@aws-sdk/client-sagemaker'

/** Pure arithmetic of deployments: how much traffic moves when, and how many instances. */

/** A part of the traffic moves to the new fleet; then nothing does for `waitMs` of the cloud's clock. */
export type TrafficStep = {
  /** Of all traffic, on the new fleet once the step is done: above 0, and 1 in the last. */
  share: number
  waitMs: number
  /** As SageMaker's messages call what takes traffic then. */
  capacity: 'canary' | 'step' | 'full'
}

/** How a blue/green deployment moves traffic to a fleet of `count` instances. Without a policy: all at once. */
export function trafficSteps(policy: BlueGreenUpdatePolicy | undefined, count: number): TrafficStep[] {
  const routing = policy?.TrafficRoutingConfiguration
  const waitMs = (routing?.WaitIntervalInSeconds ?? 0) * 1000
  const all: TrafficStep = { share: 1, waitMs: 0, capacity: 'full' }
  if (routing?.Type === 'CANARY') {
    const share = shareOf(routing.CanarySize, count)
    return share < 1 ? [{ share, waitMs, capacity: 'canary' }, all] : [all]
  }
  if (routing?.Type === 'LINEAR') {
    const size = shareOf(routing.LinearStepSize, count)
    const steps = Math.ceil(rounded(1 / size)) - 1
    return [
      ...Array.from({ length: steps }, (_, index): TrafficStep => {
        return { share: rounded((index + 1) * size), waitMs, capacity: 'step' }
      }),
      all,
    ]
  }
  return [all]
}

function shareOf(size: CapacitySize | undefined, count: number): number {
  const { Type: type, Value: value = 0 } = size ?? {}
  const share = type === 'CAPACITY_PERCENT' ? value / 100 : value / Math.max(1, count)
  return share > 0 ? Math.min(1, share) : 1
}

/** Instances of a size, of `count`: a part of an instance is a whole one; all of them without a size. */
export function instancesOf(size: CapacitySize | undefined, count: number): number {
  const { Type: type, Value: value } = size ?? {}
  if (value === undefined) return Math.max(1, count)
  return Math.max(1, type === 'CAPACITY_PERCENT' ? Math.ceil(rounded((count * value) / 100)) : value)
}

/** Without the last bits that binary fractions leave behind. */
function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9
}
