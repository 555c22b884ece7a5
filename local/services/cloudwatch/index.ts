import type { Clock } from '../../clock.ts'
import {
  type AlarmState,
  type AlarmStates,
  ApiError,
  type Call,
  type JsonObject,
  type MetricSink,
  type Service,
  type TagSource,
} from '../../service.ts'
import { type Alarm, type AlarmDefinition, actionsAreDue, evaluate, setState } from './alarms.ts'
import { metricOperations } from './metric-operations.ts'
import { metricStore } from './metrics.ts'

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
      ...metricOperations(metrics),
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
