import type { Dimensions, MetricSink } from '../../service.ts'

/** CloudWatch's metrics of asynchronous inference, by the names of the developer guide. */
export type EndpointMetrics = {
  /** What is waiting and running now. */
  backlog(state: { backlog: number; instances: number; oldestAgeMs: number }): void
  count(name: CountMetric): void
  value(name: ValueMetric, value: number): void
}

type CountMetric =
  | 'InvocationsProcessed'
  | 'InvocationFailures'
  | 'Invocation4XXErrors'
  | 'Invocation5XXErrors'
  | 'ExpiredRequests'
  | 'RequestDownloadFailures'
  | 'ResponseUploadFailures'
  | 'NotificationFailures'
/** Latencies in microseconds, times in milliseconds. */
type ValueMetric =
  | 'RequestDownloadLatency'
  | 'ResponseUploadLatency'
  | 'ModelLatency'
  | 'TimeInBacklog'
  | 'TotalProcessingTime'

const NAMESPACE = 'AWS/SageMaker'

/** What a fleet does is published by variant, and by variant and configuration, so that alarms can tell a new fleet from an old one. */
export function endpointMetrics(
  sink: MetricSink,
  endpointName: string,
  { variantName, configName }: { variantName: string; configName?: string },
): EndpointMetrics {
  const endpoint: Dimensions = { EndpointName: endpointName }
  const variant: Dimensions = { EndpointName: endpointName, VariantName: variantName }
  const published = configName === undefined ? [variant] : [variant, { ...variant, EndpointConfigName: configName }]
  const put = (name: string, dimensions: Dimensions, value: number) =>
    sink.put({ namespace: NAMESPACE, name, dimensions, value })
  const putBoth = (name: string, value: number) => {
    for (const dimensions of published) put(name, dimensions, value)
  }
  return {
    backlog({ backlog, instances, oldestAgeMs }) {
      put('ApproximateBacklogSize', endpoint, backlog)
      // At no instance there is nothing to divide by and AWS publishes nothing: target tracking alone never wakes an endpoint.
      if (instances > 0) put('ApproximateBacklogSizePerInstance', endpoint, backlog / instances)
      put('HasBacklogWithoutCapacity', endpoint, backlog > 0 && instances === 0 ? 1 : 0)
      put('ApproximateAgeOfOldestRequest', endpoint, oldestAgeMs / 1000)
    },
    count(name) {
      putBoth(name, 1)
      // The developer guide spells it with three s; nobody has confirmed which of the two arrives.
      if (name === 'InvocationsProcessed') putBoth('InvocationsProcesssed', 1)
    },
    value: putBoth,
  }
}
