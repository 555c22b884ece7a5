/** A request as the log and the metrics see it; times in milliseconds. */
export type Observation = { task: string; status: number; ms: number; phases: Readonly<Record<string, number>> }

/** A phase as CloudWatch shows it: `infer` is the metric `Infer`. */
const metricName = (phase: string) => `${phase.charAt(0).toUpperCase()}${phase.slice(1)}`

/**
 * The log line of a request in CloudWatch's embedded metric format: on SageMaker nothing scrapes a container, but CloudWatch
 * makes metrics of such lines. Each phase is a metric, by task. What only depends on the phases that there are is made once.
 * Source: CloudWatch user guide, "Embedded metric format specification".
 */
export function embeddedMetrics(
  namespace: string,
): (observation: Observation, timestamp: number) => Record<string, unknown> {
  const declarations = new Map<string, object[]>()

  function declaration(phases: readonly string[]): object[] {
    const key = phases.join()
    const known = declarations.get(key)
    if (known) return known
    const Metrics = [
      { Name: 'Latency', Unit: 'Milliseconds' },
      { Name: 'Errors', Unit: 'Count' },
      ...phases.map((phase) => ({ Name: metricName(phase), Unit: 'Milliseconds' })),
    ]
    const made = [{ Namespace: namespace, Dimensions: [['Task']], Metrics }]
    declarations.set(key, made)
    return made
  }

  return ({ task, status, ms, phases }, timestamp) => {
    const line: Record<string, unknown> = {
      _aws: { Timestamp: timestamp, CloudWatchMetrics: declaration(Object.keys(phases)) },
      Task: task,
      Latency: ms,
      Errors: status >= 500 ? 1 : 0,
    }
    for (const [phase, spent] of Object.entries(phases)) line[metricName(phase)] = spent
    return line
  }
}
