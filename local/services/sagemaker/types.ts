import type {
  AsyncInferenceConfig,
  ContainerDefinition,
  CreateModelCommandInput,
  DeploymentConfig,
  EndpointStatus,
  ProductionVariant,
  Tag,
  VariantStatus,
} from '@aws-sdk/client-sagemaker'
import type { Fleet } from '../../instances/fleet.ts'
import type { Instance } from '../../instances/instance.ts'
import type {
  AlarmStates,
  Environment,
  ImageStore,
  LocalImage,
  Notifier,
  ObjectStore,
  ScalableTargets,
} from '../../service.ts'
import type { EndpointStateChange } from './state-change.ts'

/** How long SageMaker takes: milliseconds of the cloud's clock, except where said. Zero means at once. */
export type SagemakerDelays = {
  /** From CreateEndpoint until the first instance is asked for. */
  creating: number
  /** From UpdateEndpoint, or a change of capacity, until the first instance is asked for. */
  updating: number
  /** From DeleteEndpoint until the instances are terminated. */
  deleting: number
  /** From asking for an instance until its container is started. */
  instanceStart: number
  /**
   * How long a container may take until its first good ping, in REAL milliseconds: a process does not start any faster
   * because the cloud's clock does. ContainerStartupHealthCheckTimeoutInSeconds, counted the same way, takes its place.
   */
  startupLimit: number
  /** From SIGTERM to SIGKILL, in REAL milliseconds. */
  terminationGrace: number
}

export type SagemakerDependencies = Environment & {
  images: ImageStore
  scalableTargets: ScalableTargets
  notifier: Notifier
  objects: ObjectStore
  alarms: AlarmStates
  delays?: Partial<SagemakerDelays>
  /** What every container gets beside its image's and its model's environment: the local cloud's AWS_* variables. */
  containerEnvironment: () => Record<string, string>
  /** Called with what EventBridge would be told whenever an endpoint enters a state. */
  onEndpointState?: (event: EndpointStateChange) => void
}

/** SageMaker's side that its runtime uses. */
export type EndpointDirectory = {
  /** The endpoint of exactly this name that takes invocations; undefined for absent, Creating, Failed and Deleting ones. */
  find(endpointName: string): InvocableEndpoint | undefined
  all(): Iterable<InvocableEndpoint>
  /** Calls `listener` with the endpoint's id whenever its instances or its status changed. Returns the way to stop it. */
  subscribe(listener: (endpointId: string) => void): () => void
}

export type InvocableEndpoint = {
  /** Unique among all endpoints of all time: a recreated endpoint of the same name has another. */
  id: string
  name: string
  /** False once the endpoint is Failed, Deleting or gone. */
  invocable(): boolean
  /** True once the endpoint is being deleted: nothing will ever run on it again. */
  gone(): boolean
  asyncConfig(): AsyncInferenceConfig | undefined
  fleets(): InvocableFleet[]
}
/** The instances of one variant of one configuration; while a deployment moves traffic, a variant has two. */
export type InvocableFleet = {
  /** Unique among all fleets of all time. */
  id: string
  variantName: string
  configName: string
  /** Of the endpoint's traffic; those of all fleets are 1 together. */
  share: number
  /** Those that answer their pings. */
  instances: readonly Instance[]
}

export type Model = {
  name: string
  arn: string
  createdAt: Date
  input: CreateModelCommandInput
  /** The image as it was when the model was created: a tag that moves later does not change the model. */
  image: LocalImage
  specifiedImage: string
  container: ContainerDefinition
}

export type EndpointConfig = {
  name: string
  arn: string
  createdAt: Date
  variants: ProductionVariant[]
  async?: AsyncInferenceConfig
  /** Every other member of the request, echoed by DescribeEndpointConfig. */
  rest: Record<string, unknown>
}

export type Variant = {
  /** Unique among all variants of all endpoints. */
  id: string
  name: string
  config: ProductionVariant
  weight: number
  desired: number
  fleet: Fleet
  deployedImage: { specified: string; resolved: string; at: Date } | undefined
  status: { status: VariantStatus; message: string; since: Date } | undefined
  /** By fault: no instance lives, and none comes up; while the fault is set, or for as long as there is this variant. */
  unhealthy: 'while-set' | 'for-good' | undefined
}

/** Fleets, and the share of the endpoint's traffic that they get. */
export type Route = { configName: string; variants: Map<string, Variant>; share: number }

export type Endpoint = {
  id: string
  name: string
  arn: string
  config: EndpointConfig
  status: EndpointStatus
  failureReason: string | undefined
  createdAt: Date
  modifiedAt: Date
  /** The fleets of the configuration in use, by variant name. */
  variants: Map<string, Variant>
  /** Who gets the traffic: those fleets alone, unless a deployment is under way or its rollback failed. Shares are 1 together. */
  routes: Route[]
  pending: { config: EndpointConfig; startedAt: Date; variants: Map<string, Variant> } | undefined
  deployment: DeploymentConfig | undefined
  /** Ends whatever transition is under way. */
  abort: AbortController
}

export type Tags = Map<string, Tag['Value']>
