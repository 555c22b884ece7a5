import type { Dimensions, MetricSink } from '../../service.ts'

export type Statistic = 'Average' | 'Sum' | 'Minimum' | 'Maximum' | 'SampleCount'

type Point = { at: number; value: number }

export type MetricStore = MetricSink & {
  /** The statistic over [from, to), in milliseconds of the cloud's clock; undefined without datapoints. */
  statistic(
    namespace: string,
    name: string,
    dimensions: Dimensions,
    from: number,
    to: number,
    statistic: Statistic,
  ): number | undefined
  series(): { namespace: string; name: string; dimensions: Dimensions }[]
}

/** Per series. At one point a minute, most of a day. */
const MAX_POINTS = 1200
/** The series that was written to longest ago makes way for a new one. */
const MAX_SERIES = 50_000

export function metricStore(now: () => number): MetricStore {
  const stored = new Map<string, { namespace: string; name: string; dimensions: Dimensions; points: Point[] }>()
  return {
    put({ namespace, name, dimensions, value }) {
      const key = seriesKey(namespace, name, dimensions)
      const series = stored.get(key) ?? { namespace, name, dimensions, points: [] }
      stored.delete(key)
      stored.set(key, series)
      for (const oldest of stored.keys()) {
        if (stored.size <= MAX_SERIES) break
        stored.delete(oldest)
      }
      series.points.push({ at: now(), value })
      if (series.points.length > MAX_POINTS) series.points.splice(0, series.points.length - MAX_POINTS)
    },
    statistic(namespace, name, dimensions, from, to, statistic) {
      const points = stored.get(seriesKey(namespace, name, dimensions))?.points ?? []
      const values: number[] = []
      for (let index = points.length - 1; index >= 0; index--) {
        const point = points[index] as Point
        if (point.at < from) break
        if (point.at < to) values.push(point.value)
      }
      return values.length === 0 ? undefined : aggregate(values, statistic)
    },
    series: () => [...stored.values()].map(({ namespace, name, dimensions }) => ({ namespace, name, dimensions })),
  }
}

function aggregate(values: number[], statistic: Statistic): number {
  const sum = values.reduce((total, value) => total + value, 0)
  switch (statistic) {
    case 'Average':
      return sum / values.length
    case 'Sum':
      return sum
    case 'Minimum':
      return Math.min(...values)
    case 'Maximum':
      return Math.max(...values)
    case 'SampleCount':
      return values.length
  }
}

function seriesKey(namespace: string, name: string, dimensions: Dimensions): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).sort(([a], [b]) => a.localeCompare(b))])
}
