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

export function endpointMetrics(sink: MetricSink, endpointName: string, variantName: string): EndpointMetrics {
  const endpoint: Dimensions = { EndpointName: endpointName }
  const variant: Dimensions = { EndpointName: endpointName, VariantName: variantName }
  const put = (name: string, dimensions: Dimensions, value: number) =>
    sink.put({ namespace: NAMESPACE, name, dimensions, value })
  return {
    backlog({ backlog, instances, oldestAgeMs }) {
      put('ApproximateBacklogSize', endpoint, backlog)
      // At no instance there is nothing to divide by and AWS publishes nothing: target tracking alone never wakes an endpoint.
      if (instances > 0) put('ApproximateBacklogSizePerInstance', endpoint, backlog / instances)
      put('HasBacklogWithoutCapacity', endpoint, backlog > 0 && instances === 0 ? 1 : 0)
      put('ApproximateAgeOfOldestRequest', endpoint, oldestAgeMs / 1000)
    },
    count(name) {
      put(name, variant, 1)
      // The developer guide spells it with three s; nobody has confirmed which of the two arrives.
      if (name === 'InvocationsProcessed') put('InvocationsProcesssed', variant, 1)
    },
    value: (name, value) => put(name, variant, value),
  }
}
