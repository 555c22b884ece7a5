import type { Environment, Notifier, ObjectStore, Service } from '../../service.ts'
import type { EndpointDirectory } from '../sagemaker/index.ts'

export type SagemakerRuntimeDependencies = Environment & {
  endpoints: EndpointDirectory
  objects: ObjectStore
  notifier: Notifier
  delays?: {
    /** Milliseconds of the cloud's clock between two publications of the backlog metrics. */ metricPeriod?: number
  }
}

/** SageMaker's runtime: InvokeEndpointAsync with its queue, InvokeEndpoint. Service name `sagemaker-runtime`. */
export declare function sagemakerRuntimeService(deps: SagemakerRuntimeDependencies): Service & { stop(): Promise<void> }
