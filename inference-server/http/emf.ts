/** A request as the log and the metrics see it; times in milliseconds. */
export type Observation = { task: string; status: number; ms: number; phases: Readonly<Record<string, number>> }

const UNIT = 'Milliseconds'

/**
 * The log line of a request in CloudWatch's embedded metric format: on SageMaker nothing scrapes a container, but CloudWatch
 * makes metrics of such lines. Each phase is a metric, by task.
 * Source: CloudWatch user guide, "Embedded metric format specification".
 */
export function embeddedMetrics(
  { task, status, ms, phases }: Observation,
  namespace: string,
  timestamp: number,
): object {
  const failed = status >= 500 ? 1 : 0
  const metrics = [
    { Name: 'Latency', Unit: UNIT },
    { Name: 'Errors', Unit: 'Count' },
    ...Object.keys(phases).map((phase) => ({ Name: metricName(phase), Unit: UNIT })),
  ]
  return {
    _aws: {
      Timestamp: timestamp,
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [['Task']], Metrics: metrics }],
    },
    Task: task,
    Latency: ms,
    Errors: failed,
    ...Object.fromEntries(Object.entries(phases).map(([phase, spent]) => [metricName(phase), spent])),
  }
}

const metricName = (phase: string) => `${phase.charAt(0).toUpperCase()}${phase.slice(1)}`
