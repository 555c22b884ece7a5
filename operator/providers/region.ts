import type { ImageReference } from '../images/reference.ts'
import type { ImageSource } from '../images/source.ts'
import { type Autoscaling, autoscaling } from './autoscaling.ts'
import { type Backlogs, backlogs } from './backlog.ts'
import { type Buckets, buckets } from './buckets.ts'
import type { Clients } from './clients.ts'
import { ecrSource } from './ecr-source.ts'
import { type Endpoints, endpoints } from './endpoint.ts'
import { type EndpointConfigs, endpointConfigs } from './endpoint-config.ts'
import { type EndpointListing, endpointListing } from './endpoint-listing.ts'
import { type ContainerLogs, containerLogs } from './logs.ts'
import { type Models, models } from './model.ts'
import { type Ownership, ownership } from './ownership.ts'
import { type AsyncRuntime, asyncRuntime } from './runtime.ts'
import { type TaggedResources, taggedResources } from './tagged-resources.ts'
import { type Topics, topics } from './topics.ts'

/** AWS in one region, as the controllers use it. */
export type Providers = {
  models: Models
  configs: EndpointConfigs
  endpoints: Endpoints
  listing: EndpointListing
  ownership: Ownership
  autoscaling: Autoscaling
  backlogs: Backlogs
  logs: ContainerLogs
  runtime: AsyncRuntime
  /** A repository of Amazon ECR in this region, of any account. */
  images(reference: ImageReference): ImageSource
  buckets: Buckets
  topics: Topics
  tagged: TaggedResources
}

/** The providers of each region, made on first use. */
export function regionalProviders(clients: Clients, now: () => number): (region: string) => Providers {
  const regions = new Map<string, Providers>()
  return (region) => {
    const known = regions.get(region)
    if (known) return known
    const { sagemaker, runtime, autoscaling: scaling, cloudwatch, logs, s3, ecr, sns, tagging } = clients.region(region)
    const made: Providers = {
      models: models(sagemaker),
      configs: endpointConfigs(sagemaker),
      endpoints: endpoints(sagemaker),
      listing: endpointListing(sagemaker, now),
      ownership: ownership(sagemaker),
      autoscaling: autoscaling(scaling, cloudwatch),
      backlogs: backlogs(cloudwatch, now),
      logs: containerLogs(logs),
      runtime: asyncRuntime(runtime, s3),
      images: (reference) => ecrSource(ecr, reference, fetch, now),
      buckets: buckets(region, s3, now),
      topics: topics(sns),
      tagged: taggedResources(region, tagging, sagemaker, cloudwatch, sns),
    }
    regions.set(region, made)
    return made
  }
}
