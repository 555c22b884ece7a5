import type { Service, VariantCapacity } from '../../service.ts'
import type { EndpointDirectory, SagemakerDependencies } from './types.ts'

export type { EndpointDirectory, InvocableEndpoint, SagemakerDelays, SagemakerDependencies } from './types.ts'

/** The control plane's service, what Application Auto Scaling drives, and what the runtime reads. */
export type Sagemaker = Service & VariantCapacity & { endpoints: EndpointDirectory; stop(): Promise<void> }

/** SageMaker's control plane: models, endpoint configurations, endpoints with their instances, tags. */
export declare function sagemakerService(deps: SagemakerDependencies): Sagemaker
