import type { CapacitySize, DeploymentConfig } from '@aws-sdk/client-sagemaker'
import { type Constraints, constraints } from '../constraints.ts'
import { validation } from '../errors.ts'

const WAIT = { min: 0, max: 3600 }
const EXECUTION = { min: 600, max: 28_800 }

/**
 * What SageMaker refuses of a DeploymentConfig at once. `counts` are the instances of each variant to come: sizes by instance count are
 * held against them, but not at zero, where nothing is there to be a part of.
 * @throws ApiError ValidationException
 */
export function checkDeployment(
  deployment: DeploymentConfig | undefined,
  counts: readonly number[],
  alarmExists: (name: string) => boolean,
): void {
  if (!deployment) return
  const { BlueGreenUpdatePolicy: policy, RollingUpdatePolicy: rolling, AutoRollbackConfiguration: auto } = deployment
  if (policy && rolling)
    throw validation('BlueGreenUpdatePolicy and RollingUpdatePolicy cannot both be specified in a DeploymentConfig.')
  checkMembers(deployment)

  const routing = policy?.TrafficRoutingConfiguration
  checkRouting(routing?.Type, 'CanarySize', 'CANARY', routing?.CanarySize)
  checkRouting(routing?.Type, 'LinearStepSize', 'LINEAR', routing?.LinearStepSize)
  checkSize('CanarySize', routing?.CanarySize, 0, 50, counts)
  checkSize('LinearStepSize', routing?.LinearStepSize, 10, 50, counts)
  checkSize('MaximumBatchSize', rolling?.MaximumBatchSize, 5, 50, counts)
  checkSize('RollbackMaximumBatchSize', rolling?.RollbackMaximumBatchSize, 0, 100, counts)

  const missing = (auto?.Alarms ?? []).map(({ AlarmName: name = '' }) => name).filter((name) => !alarmExists(name))
  if (missing.length > 0)
    throw validation(`Could not find the CloudWatch alarm(s) of AutoRollbackConfiguration: ${missing.join(', ')}.`)
}

function checkMembers(deployment: DeploymentConfig): void {
  const {
    BlueGreenUpdatePolicy: policy,
    RollingUpdatePolicy: rolling,
    AutoRollbackConfiguration: rollback,
  } = deployment
  const routing = policy?.TrafficRoutingConfiguration
  const blueGreen = 'deploymentConfig.blueGreenUpdatePolicy'
  const traffic = `${blueGreen}.trafficRoutingConfiguration`
  const batches = 'deploymentConfig.rollingUpdatePolicy'
  const alarms = 'deploymentConfig.autoRollbackConfiguration.alarms'
  const wait = { ...WAIT, required: true }
  const types = ['ALL_AT_ONCE', 'CANARY', 'LINEAR']
  const rules = constraints()
  if (policy) {
    rules
      .member(traffic, routing, { required: true })
      .member(`${blueGreen}.terminationWaitInSeconds`, policy.TerminationWaitInSeconds, WAIT)
      .member(`${blueGreen}.maximumExecutionTimeoutInSeconds`, policy.MaximumExecutionTimeoutInSeconds, EXECUTION)
  }
  if (routing) {
    rules
      .member(`${traffic}.type`, routing.Type, { required: true, oneOf: types })
      .member(`${traffic}.waitIntervalInSeconds`, routing.WaitIntervalInSeconds, wait)
    sizeMembers(rules, `${traffic}.canarySize`, routing.CanarySize)
    sizeMembers(rules, `${traffic}.linearStepSize`, routing.LinearStepSize)
  }
  if (rolling) {
    rules
      .member(`${batches}.maximumBatchSize`, rolling.MaximumBatchSize, { required: true })
      .member(`${batches}.waitIntervalInSeconds`, rolling.WaitIntervalInSeconds, wait)
      .member(`${batches}.maximumExecutionTimeoutInSeconds`, rolling.MaximumExecutionTimeoutInSeconds, EXECUTION)
    sizeMembers(rules, `${batches}.maximumBatchSize`, rolling.MaximumBatchSize)
    sizeMembers(rules, `${batches}.rollbackMaximumBatchSize`, rolling.RollbackMaximumBatchSize)
  }
  rules.member(alarms, rollback?.Alarms, { minLength: 1, maxLength: 10 })
  rollback?.Alarms?.forEach((alarm, index) => {
    const name = { required: true, minLength: 1, maxLength: 255, pattern: '(?!\\s*$).+' }
    rules.member(`${alarms}.${index + 1}.member.alarmName`, alarm.AlarmName, name)
  })
  rules.verify()
}

function sizeMembers(rules: Constraints, path: string, size: CapacitySize | undefined): void {
  if (!size) return
  rules
    .member(`${path}.type`, size.Type, { required: true, oneOf: ['INSTANCE_COUNT', 'CAPACITY_PERCENT'] })
    .member(`${path}.value`, size.Value, { required: true, min: 1 })
}

/** Each size goes with its own type of routing, and that type needs it. */
function checkRouting(type: string | undefined, name: string, of: string, size: CapacitySize | undefined): void {
  if (type === of && !size) throw validation(`${name} must be specified for traffic routing of type ${of}.`)
  if (type !== of && size) throw validation(`${name} can only be specified for traffic routing of type ${of}.`)
}

function checkSize(
  name: string,
  size: CapacitySize | undefined,
  min: number,
  max: number,
  counts: readonly number[],
): void {
  const { Type: type, Value: value } = size ?? {}
  if (value === undefined) return
  const percents =
    type === 'CAPACITY_PERCENT' ? [value] : counts.map((count) => (count > 0 ? (value / count) * 100 : max))
  if (percents.some((percent) => percent < min || percent > max))
    throw validation(
      min > 0
        ? `${name} must be between ${min}% and ${max}% of the variant's total instance count.`
        : `${name} must be less than or equal to ${max}% of the variant's total instance count.`,
    )
}
