import { ApiError, type Dimensions, type JsonObject, type Service } from '../../service.ts'
import type { MetricStore, Statistic } from './metrics.ts'

/** What is put into the store of metrics, and read from it. */
export function metricOperations(metrics: MetricStore): Service['operations'] {
  return {
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
  }
}

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

function named(dimensions: { Name: string; Value: string }[]): Dimensions {
  return Object.fromEntries(dimensions.map(({ Name, Value }) => [Name, Value]))
}
