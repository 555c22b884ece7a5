import type { Clock } from '../../clock.ts'
import {
  type AlarmState,
  type AlarmStates,
  ApiError,
  type Call,
  type Dimensions,
  type JsonObject,
  type MetricSink,
  type Service,
  type TagSource,
} from '../../service.ts'
import { type Alarm, type AlarmDefinition, actionsAreDue, evaluate, setState } from './alarms.ts'
import { metricStore, type Statistic } from './metrics.ts'

export type { Alarm, AlarmDefinition } from './alarms.ts'

export type CloudwatchOptions = {
  clock: Clock
  region: string
  accountId: string
  /** How often alarms are judged, in milliseconds of the cloud's clock. */
  evaluationPeriod: number
  onError(error: unknown, what: string): void
}

export type Cloudwatch = Service &
  TagSource &
  MetricSink &
  AlarmStates & {
    /** Runs for each action of an alarm in ALARM, now and every minute after. */
    onAction(handler: (actionArn: string, alarm: Alarm) => void): void
    /** For the alarms that target tracking makes by itself. Answers the ARN. */
    putAlarm(definition: AlarmDefinition): string
    deleteAlarm(name: string): void
    alarm(name: string): Alarm | undefined
    stop(): Promise<void>
  }

type Tag = { Key: string; Value: string }

/** CloudWatch: metrics of the local SageMaker, alarms on them, and their actions. */
export function cloudwatchService({
  clock,
  region,
  accountId,
  evaluationPeriod,
  onError,
}: CloudwatchOptions): Cloudwatch {
  const metrics = metricStore(clock.now)
  const alarms = new Map<string, Alarm>()
  const handlers: ((actionArn: string, alarm: Alarm) => void)[] = []
  const listeners = new Set<() => void>()
  const stopping = new AbortController()

  const putAlarm = (definition: AlarmDefinition, tags: Tag[] = []): string => {
    const name = definition.AlarmName
    const known = alarms.get(name)
    const now = new Date(clock.now())
    alarms.set(name, {
      name,
      arn: `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`,
      definition,
      state: known?.state ?? 'INSUFFICIENT_DATA',
      reason: known?.reason ?? 'Unchecked: Initial alarm creation',
      stateUpdated: known?.stateUpdated ?? now,
      updated: now,
      // Tags are taken at creation only; PutMetricAlarm on an existing alarm leaves them (API reference).
      tags: known?.tags ?? new Map(tags.map(({ Key, Value }) => [Key, Value])),
      lastValue: known?.lastValue,
      lastAction: known?.lastAction,
    })
    return `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`
  }

  const act = (alarm: Alarm) => {
    for (const action of alarm.definition.AlarmActions ?? []) {
      for (const handler of handlers) {
        try {
          handler(action, alarm)
        } catch (error) {
          onError(error, `the action ${action} of alarm ${alarm.name}`)
        }
      }
    }
  }
  const judgeAll = () => {
    for (const alarm of [...alarms.values()]) {
      const before = alarm.state
      const due = evaluate(alarm, metrics, clock.now())
      if (alarm.state !== before) for (const listener of [...listeners]) listener()
      if (due) act(alarm)
    }
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(evaluationPeriod, stopping.signal).catch(() => {})
      if (!stopping.signal.aborted) judgeAll()
    }
  })()

  const tagged = (call: Call): Alarm => {
    const found = [...alarms.values()].find((alarm) => alarm.arn === call.input.ResourceARN)
    if (!found)
      throw new ApiError('ResourceNotFoundException', `Unknown resource ${String(call.input.ResourceARN)}`, 404)
    return found
  }

  return {
    name: 'monitoring',
    put: (metric) => metrics.put(metric),
    onAction: (handler) => void handlers.push(handler),
    putAlarm: (definition) => putAlarm(definition),
    deleteAlarm: (name) => void alarms.delete(name),
    alarm: (name) => alarms.get(name),
    stateOf: (name) => alarms.get(name)?.state,
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    operations: {
      PutMetricAlarm(call) {
        const { Tags, ...definition } = call.input
        requireAlarm(definition)
        putAlarm(definition as AlarmDefinition, Tags as Tag[] | undefined)
        return {}
      },
      DescribeAlarms(call) {
        const names = call.input.AlarmNames as string[] | undefined
        const prefix = call.input.AlarmNamePrefix as string | undefined
        const state = call.input.StateValue as string | undefined
        const found = (names ? names.flatMap((name) => alarms.get(name) ?? []) : [...alarms.values()]).filter(
          (alarm) => (!prefix || alarm.name.startsWith(prefix)) && (!state || alarm.state === state),
        )
        const start = Number((call.input.NextToken as string | undefined) ?? 0)
        const size = (call.input.MaxRecords as number | undefined) ?? 50
        return {
          MetricAlarms: found.slice(start, start + size).map(describe),
          CompositeAlarms: [],
          ...(start + size < found.length ? { NextToken: String(start + size) } : {}),
        }
      },
      SetAlarmState(call) {
        const { AlarmName: name, StateValue: state, StateReason: reason } = call.input as Record<string, string>
        const alarm = alarms.get(name ?? '')
        if (!alarm) throw new ApiError('ResourceNotFound', `There is no alarm ${name}`, 404)
        if (!STATES.includes(state as AlarmState)) throw new ApiError('ValidationError', `No alarm state is ${state}`)
        // It holds until the alarm is judged the next time, as at AWS.
        if (alarm.state !== state) {
          setState(alarm, state as AlarmState, reason ?? '', clock.now())
          for (const listener of [...listeners]) listener()
        }
        if (actionsAreDue(alarm, clock.now())) act(alarm)
        return {}
      },
      DeleteAlarms(call) {
        for (const name of call.input.AlarmNames as string[]) alarms.delete(name)
        return {}
      },
      PutMetricData(call) {
        const data = (call.input.MetricData as MetricDatum[] | undefined) ?? []
        // All of them or none: AWS refuses the whole request.
        const points = data.map((datum) => ({ datum, values: valuesOf(datum) }))
        for (const { datum, values } of points) {
          for (const value of values) {
            metrics.put({
              namespace: call.input.Namespace as string,
              name: datum.MetricName,
              dimensions: named(datum.Dimensions ?? []),
              value,
            })
          }
        }
        return {}
      },
      GetMetricData(call) {
        const { MetricDataQueries = [], StartTime, EndTime, ScanBy } = call.input
        const results = (MetricDataQueries as MetricDataQuery[]).map(({ Id, Label, MetricStat: stat }) => {
          if (!stat) throw new ApiError('ValidationError', 'The local cloud has no metric math: give MetricStat.')
          const { Namespace, MetricName, Dimensions = [] } = stat.Metric
          const points: { at: number; value: number }[] = []
          const step = stat.Period * 1000
          for (let at = (StartTime as Date).getTime(); at < (EndTime as Date).getTime(); at += step) {
            const value = metrics.statistic(Namespace, MetricName, named(Dimensions), at, at + step, stat.Stat)
            if (value !== undefined) points.push({ at, value })
          }
          // The newest first is AWS's default too.
          if (ScanBy !== 'TimestampAscending') points.reverse()
          return {
            Id,
            Label: Label ?? MetricName,
            Timestamps: points.map(({ at }) => new Date(at)),
            Values: points.map(({ value }) => value),
            StatusCode: 'Complete',
          }
        })
        return { MetricDataResults: results, Messages: [] }
      },
      GetMetricStatistics(call) {
        const { Namespace, MetricName, StartTime, EndTime, Period, Statistics = ['Average'] } = call.input
        const dimensions = named((call.input.Dimensions as { Name: string; Value: string }[] | undefined) ?? [])
        const step = (Period as number) * 1000
        const datapoints: JsonObject[] = []
        for (let at = (StartTime as Date).getTime(); at < (EndTime as Date).getTime(); at += step) {
          const values = (Statistics as Statistic[]).flatMap((statistic) => {
            const value = metrics.statistic(
              Namespace as string,
              MetricName as string,
              dimensions,
              at,
              at + step,
              statistic,
            )
            return value === undefined ? [] : [[statistic, value] as const]
          })
          if (values.length > 0) datapoints.push({ Timestamp: new Date(at), ...Object.fromEntries(values) })
        }
        return { Label: MetricName, Datapoints: datapoints }
      },
      ListTagsForResource: (call) => ({ Tags: [...tagged(call).tags].map(([Key, Value]) => ({ Key, Value })) }),
      TagResource(call) {
        const { tags } = tagged(call)
        for (const { Key, Value } of call.input.Tags as Tag[]) tags.set(Key, Value)
        return {}
      },
      UntagResource(call) {
        const { tags } = tagged(call)
        for (const key of call.input.TagKeys as string[]) tags.delete(key)
        return {}
      },
    },
    tagged: () =>
      [...alarms.values()]
        .filter(({ tags }) => tags.size > 0)
        .map(({ arn, tags }) => ({ arn, tags: [...tags].map(([Key, Value]) => ({ Key, Value })) })),
    state: () => ({ alarms: [...alarms.values()].map(({ name, state, lastValue }) => ({ name, state, lastValue })) }),
    async stop() {
      stopping.abort()
      await loop
    },
  }
}

const STATES: readonly AlarmState[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA']

/** They are stored one by one. */
const MAX_VALUES = 1000

type MetricDataQuery = {
  Id: string
  Label?: string
  MetricStat?: {
    Metric: { Namespace: string; MetricName: string; Dimensions?: { Name: string; Value: string }[] }
    Period: number
    Stat: Statistic
  }
}

type MetricDatum = {
  MetricName: string
  Dimensions?: { Name: string; Value: string }[]
  Timestamp?: Date
  Value?: number
  Values?: number[]
  Counts?: number[]
  StatisticValues?: unknown
}

/** @throws ApiError for what the local store of plain values cannot hold: better refused than counted wrongly */
function valuesOf(datum: MetricDatum): number[] {
  if (datum.StatisticValues || datum.Timestamp) {
    throw new ApiError('InvalidParameterCombination', 'The local cloud takes values of now only, no statistic sets.')
  }
  if (datum.Values) {
    const counts = datum.Values.map((_, index) => datum.Counts?.[index] ?? 1)
    if (counts.reduce((sum, count) => sum + count, 0) > MAX_VALUES) {
      throw new ApiError('InvalidParameterValue', `The local cloud takes at most ${MAX_VALUES} values in a datum.`)
    }
    return datum.Values.flatMap((value, index) => new Array<number>(counts[index] ?? 1).fill(value))
  }
  if (datum.Value === undefined) {
    throw new ApiError('MissingParameter', 'At least one of the parameters Value and Values must be specified.')
  }
  return [datum.Value]
}

function describe(alarm: Alarm): JsonObject {
  const { definition } = alarm
  return {
    ActionsEnabled: true,
    AlarmActions: [],
    OKActions: [],
    InsufficientDataActions: [],
    Dimensions: [],
    ...definition,
    AlarmArn: alarm.arn,
    AlarmConfigurationUpdatedTimestamp: alarm.updated,
    StateValue: alarm.state,
    StateReason: alarm.reason,
    StateUpdatedTimestamp: alarm.stateUpdated,
  }
}

function requireAlarm(definition: JsonObject): void {
  for (const name of ['MetricName', 'Namespace', 'Period', 'Threshold', 'Statistic']) {
    if (definition[name] === undefined) {
      throw new ApiError(
        'ValidationError',
        `The parameter ${name} is required: the local cloud judges single metrics only.`,
      )
    }
  }
}

function named(dimensions: { Name: string; Value: string }[]): Dimensions {
  return Object.fromEntries(dimensions.map(({ Name, Value }) => [Name, Value]))
}
