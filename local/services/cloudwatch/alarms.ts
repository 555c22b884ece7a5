import type { AlarmState, Dimensions } from '../../service.ts'
import type { MetricStore, Statistic } from './metrics.ts'

export type Alarm = {
  name: string
  arn: string
  /** PutMetricAlarm's input, as DescribeAlarms gives it back. */
  definition: AlarmDefinition
  state: AlarmState
  reason: string
  stateUpdated: Date
  updated: Date
  tags: Map<string, string>
  /** The newest datapoint that it was judged by. */
  lastValue: number | undefined
  /** When its actions last ran, on the cloud's clock: autoscaling actions repeat every minute while in ALARM. */
  lastAction: number | undefined
}

export type AlarmDefinition = {
  AlarmName: string
  Namespace: string
  MetricName: string
  Dimensions?: { Name: string; Value: string }[]
  Statistic?: Statistic
  Period: number
  EvaluationPeriods: number
  DatapointsToAlarm?: number
  Threshold: number
  ComparisonOperator: string
  TreatMissingData?: string
  ActionsEnabled?: boolean
  AlarmActions?: string[]
  OKActions?: string[]
  InsufficientDataActions?: string[]
  AlarmDescription?: string
  Unit?: string
}

/** CloudWatch repeats autoscaling actions once a minute while the alarm stays in ALARM (EC2 Auto Scaling and Application Auto Scaling). */
const ACTION_REPEAT_MS = 60_000

/**
 * CloudWatch looks further back than the alarm's periods, and takes the newest datapoints there are when they are enough: one that is
 * late changes nothing. How far is not said; AWS's example has five periods for three.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
const RANGE = 5 / 3

/**
 * Judges one alarm by its last periods and says whether its actions are to run now. A missing datapoint counts as TreatMissingData
 * says; for `missing`, the default, no datapoint at all is INSUFFICIENT_DATA and too few of them change nothing.
 */
export function evaluate(alarm: Alarm, metrics: MetricStore, now: number): boolean {
  const { definition } = alarm
  const period = definition.Period * 1000
  const range: (number | undefined)[] = []
  for (let index = 1; index <= Math.ceil(definition.EvaluationPeriods * RANGE); index++) {
    range.push(
      metrics.statistic(
        definition.Namespace,
        definition.MetricName,
        dimensionsOf(definition),
        now - index * period,
        now - (index - 1) * period,
        definition.Statistic ?? 'Average',
      ),
    )
  }
  const found = range.filter((value) => value !== undefined)
  const enough = found.length >= definition.EvaluationPeriods
  const values = (enough ? found : range).slice(0, definition.EvaluationPeriods)
  const next = judge(alarm, values)
  alarm.lastValue = values.find((value) => value !== undefined)
  if (next !== alarm.state) setState(alarm, next, reason(next, definition, values), now)
  return actionsAreDue(alarm, now)
}

/** An alarm that changes its state runs the actions of the new one at once. */
export function setState(alarm: Alarm, state: AlarmState, why: string, now: number): void {
  alarm.state = state
  alarm.stateUpdated = new Date(now)
  alarm.reason = why
  alarm.lastAction = undefined
}

/** Whether the actions of an alarm in ALARM are to run now: once it is, and every minute after. */
export function actionsAreDue(alarm: Alarm, now: number): boolean {
  if (alarm.state !== 'ALARM' || alarm.definition.ActionsEnabled === false) return false
  if (alarm.lastAction !== undefined && now - alarm.lastAction < ACTION_REPEAT_MS) return false
  alarm.lastAction = now
  return true
}

function judge({ state, definition }: Alarm, values: (number | undefined)[]): AlarmState {
  const missing = definition.TreatMissingData ?? 'missing'
  const needed = definition.DatapointsToAlarm ?? definition.EvaluationPeriods
  const present = values.filter((value) => value !== undefined)
  if (present.length === 0) {
    if (missing === 'breaching') return 'ALARM'
    if (missing === 'notBreaching') return 'OK'
    return missing === 'ignore' ? state : 'INSUFFICIENT_DATA'
  }
  const breaching = present.filter((value) =>
    compare(value, definition.ComparisonOperator, definition.Threshold),
  ).length
  const absent = values.length - present.length
  const counted = breaching + (missing === 'breaching' ? absent : 0)
  if (counted >= needed) return 'ALARM'
  // With some datapoints missing, what is there decides only once it can.
  if (missing === 'missing' && breaching > 0 && breaching + absent >= needed && state !== 'OK') return state
  return 'OK'
}

function compare(value: number, operator: string, threshold: number): boolean {
  switch (operator) {
    case 'GreaterThanOrEqualToThreshold':
      return value >= threshold
    case 'GreaterThanThreshold':
      return value > threshold
    case 'LessThanThreshold':
      return value < threshold
    default:
      return value <= threshold
  }
}

function reason(state: AlarmState, definition: AlarmDefinition, values: (number | undefined)[]): string {
  const seen = values.map((value) => value ?? 'missing').join(', ')
  if (state === 'INSUFFICIENT_DATA')
    return `Insufficient Data: ${definition.EvaluationPeriods} datapoints were unknown.`
  const verdict = state === 'ALARM' ? 'Threshold Crossed' : 'Threshold not crossed'
  return `${verdict}: datapoints [${seen}], ${definition.ComparisonOperator} ${definition.Threshold}.`
}

export function dimensionsOf({ Dimensions: given = [] }: AlarmDefinition): Dimensions {
  return Object.fromEntries(given.map(({ Name, Value }) => [Name, Value]))
}
