import type {
  AsyncInferenceEndpoint,
  AsyncInferenceEndpointSpec,
  AsyncInferenceEndpointStatus,
} from '../../api/async-inference-endpoint.ts'
import type { asyncInferenceEndpointConditions } from '../../api/conditions.ts'
import type { ModelImage } from '../../api/model-image.ts'
import type { Reason } from '../../api/reasons.ts'
import type { Log } from '../../kube/log.ts'
import type { KubeObject } from '../../kube/types.ts'
import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import type { Owner } from '../../providers/ownership.ts'
import type { Prices } from '../../providers/prices.ts'
import type { Providers } from '../../providers/region.ts'
import type { Approved } from '../approved.ts'
import type { Intervals } from '../intervals.ts'
import type { Desired } from './desired.ts'
import type { EndpointEvent } from './events.ts'
import type { Memory } from './memory.ts'

export type ConditionType = (typeof asyncInferenceEndpointConditions.dependents)[number]
export type PassConditions = ReturnType<typeof asyncInferenceEndpointConditions.for>

export type ConfigMap = KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string> }

/** One look at one object: what the steps are given. They change `status` in memory and write nothing to Kubernetes. */
export type Pass = {
  object: AsyncInferenceEndpoint
  spec: AsyncInferenceEndpointSpec
  status: AsyncInferenceEndpointStatus
  /** The status as it was when the pass began. */
  before: AsyncInferenceEndpointStatus
  conditions: PassConditions
  generation: number
  /** In this object's namespace. */
  image(name: string): ModelImage | undefined
  /** In this object's namespace, read from the API server. Throws KubeError. */
  configMap(name: string): Promise<ConfigMap>
  owner: Owner
  cluster: string
  providers: Providers
  prices: Prices
  approved: Approved
  intervals: Intervals
  memory: Memory
  now: Date
  random: () => number
  signal: AbortSignal
  log: Log
  emit(event: EndpointEvent): void
  recovered(): void
}

/** The model and configuration to bring the endpoint to, and where they come from. */
export type Target = {
  /** `spec`: what the spec describes. `revision`: what spec.revision names. `serving`: what was last asked for, while the image is unknown. */
  from: 'spec' | 'revision' | 'serving'
  modelName: string
  configName: string
  /** The pinned reference. */
  image: string | undefined
}

/** A pass after the image step: it is known what must be in AWS. */
export type PinnedPass = Pass & { desired: Desired; target: Target }
/** A pass after the endpoint step. */
export type ServingPass = PinnedPass & { seen: ObservedEndpoint }

/**
 * How a step ended. `proceed`: its condition is True, the next step's turn. `halt`: the chain stops here, and is looked at again
 * after `after` ms.
 */
export type Outcome<Next = undefined> = ({ kind: 'proceed'; after?: number } & Passed<Next>) | Halt
type Passed<Next> = Next extends undefined ? { next?: undefined } : { next: Next }

export type Halt = {
  kind: 'halt'
  after: number
  /** Whether it takes more than patience. */
  failing: boolean
  reason: Reason
  message: string
  /** An endpoint that serves although the step is not done: its scaling must be kept in order nevertheless. */
  serving?: ObservedEndpoint
}

/** Halts for something that is under way. */
export function waiting(pass: Pass, type: ConditionType, reason: Reason, message: string, after: number): Halt {
  pass.conditions.false_(type, reason, message)
  return { kind: 'halt', after, failing: false, reason, message }
}

/** Halts for something that somebody must mend. */
export function failing(pass: Pass, type: ConditionType, reason: Reason, message: string, after: number): Halt {
  pass.conditions.false_(type, reason, message)
  return { kind: 'halt', after, failing: true, reason, message }
}
