import type { GetMetricDataCommandInput, GetMetricDataCommandOutput } from '@aws-sdk/client-cloudwatch'
import { type Operation, within } from './call.ts'

export type MetricDataApi = {
  getMetricData: Operation<GetMetricDataCommandInput, GetMetricDataCommandOutput>
}

/** GetMetricData's own limit. */
const QUERIES_PER_CALL = 500
const PERIOD_SECONDS = 60
/** SageMaker publishes once a minute, and a little late. */
const WINDOW_MS = 5 * 60_000
/** Names that nobody has asked for in so many intervals are not asked for on their behalf. */
const FORGET_AFTER = 3

/** The queues of asynchronous endpoints, by CloudWatch: one call for up to 500 endpoints, however many ask. */
export function backlogs(api: MetricDataApi, now: () => number) {
  const wanted = new Map<string, number>()
  let known = new Map<string, number>()
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined

  const look = async (signal: AbortSignal): Promise<void> => {
    const names = [...wanted.keys()]
    const found = new Map<string, number>()
    for (let start = 0; start < names.length; start += QUERIES_PER_CALL) {
      const some = names.slice(start, start + QUERIES_PER_CALL)
      const { MetricDataResults = [] } = await api.getMetricData(
        {
          StartTime: new Date(now() - WINDOW_MS),
          EndTime: new Date(now()),
          ScanBy: 'TimestampDescending',
          MetricDataQueries: some.map((name, index) => ({
            Id: `m${index}`,
            MetricStat: {
              Metric: {
                Namespace: 'AWS/SageMaker',
                MetricName: 'ApproximateBacklogSize',
                Dimensions: [{ Name: 'EndpointName', Value: name }],
              },
              Period: PERIOD_SECONDS,
              Stat: 'Maximum',
            },
          })),
        },
        within(signal),
      )
      for (const { Id = '', Values = [] } of MetricDataResults) {
        const name = some[Number(Id.slice(1))]
        if (name !== undefined && Values[0] !== undefined) found.set(name, Math.round(Values[0]))
      }
    }
    known = found
  }

  return {
    /**
     * Requests that wait or are worked on; undefined where CloudWatch has not said, or may not be asked. An endpoint that asks for the
     * first time is answered with the next look.
     * @param maxAgeMs how old the answer may be: looks are at least so far apart
     */
    async of(endpointName: string, maxAgeMs: number, signal: AbortSignal): Promise<number | undefined> {
      wanted.set(endpointName, now())
      if (now() - lookedAt >= maxAgeMs && !looking) {
        lookedAt = now()
        for (const [name, askedAt] of wanted) if (now() - askedAt > FORGET_AFTER * maxAgeMs) wanted.delete(name)
        looking = look(signal).finally(() => {
          looking = undefined
        })
      }
      await looking
      return known.get(endpointName)
    },
  }
}

export type Backlogs = ReturnType<typeof backlogs>
