import type { Service, TagSource, VariantCapacity } from '../../service.ts'
import { endpointConfigs } from './endpoint-configs.ts'
import { endpointOperations } from './endpoint-operations.ts'
import { endpointStore } from './endpoint-store.ts'
import { describeEndpoint } from './endpoint-view.ts'
import type { Kind } from './errors.ts'
import { watchFaults } from './fault-watch.ts'
import { lifecycle } from './lifecycle.ts'
import { models } from './models.ts'
import { stateChange } from './state-change.ts'
import { tagStore } from './tags.ts'
import type { EndpointDirectory, SagemakerDelays, SagemakerDependencies } from './types.ts'

export type {
  EndpointDirectory,
  InvocableEndpoint,
  InvocableFleet,
  SagemakerDelays,
  SagemakerDependencies,
} from './types.ts'

/** The control plane's service, what Application Auto Scaling drives, and what the runtime reads. */
export type Sagemaker = Service & TagSource & VariantCapacity & { endpoints: EndpointDirectory; stop(): Promise<void> }

/** Long enough to be seen, short enough to wait for at a laptop; README.md says what each is. */
export const SAGEMAKER_DELAYS: SagemakerDelays = {
  creating: 2_000,
  updating: 2_000,
  deleting: 2_000,
  instanceStart: 3_000,
  startupLimit: 240_000,
  terminationGrace: 30_000,
}
/** When the whole cloud stops, nobody waits for a container's last words for long. Real milliseconds. */
const STOP_GRACE_MS = 3_000

/** SageMaker's control plane: models, endpoint configurations, endpoints with their instances, tags. */
export function sagemakerService(deps: SagemakerDependencies): Sagemaker {
  const delays = { ...SAGEMAKER_DELAYS, ...deps.delays }
  // SageMaker's ARNs are in lower case, whatever the name's case.
  const arn = (kind: Kind) => (name: string) =>
    `arn:aws:sagemaker:${deps.region}:${deps.accountId}:${kind}/${name.toLowerCase()}`
  const nameIn = (resourceArn: string, kind: Kind) => {
    const prefix = arn(kind)('')
    return resourceArn.startsWith(prefix) ? resourceArn.slice(prefix.length) : undefined
  }

  const tags = tagStore((resourceArn) => {
    const found = [
      modelStore.get(nameIn(resourceArn, 'model') ?? ''),
      configStore.get(nameIn(resourceArn, 'endpoint-config') ?? ''),
      store.get(nameIn(resourceArn, 'endpoint')),
    ]
    return found.some((each) => each !== undefined)
  })
  const modelStore = models(deps, arn('model'), tags)
  const configStore = endpointConfigs(deps.clock, arn('endpoint-config'), arn('model'), modelStore, tags)
  const store = endpointStore()
  const machine = lifecycle({
    ...deps,
    delays,
    store,
    model: modelStore.get,
    modelArn: arn('model'),
    config: configStore.get,
    onGone: (endpoint) => {
      deps.onEndpointState?.(stateChange(endpoint, [], deps.region, 'DELETED'))
      tags.remove(endpoint.arn)
    },
    onState: (endpoint) => deps.onEndpointState?.(stateChange(endpoint, tags.list(endpoint.arn), deps.region)),
  })
  const { operations, capacity } = endpointOperations({
    alarms: deps.alarms,
    faults: deps.faults,
    scalableTargets: deps.scalableTargets,
    store,
    lifecycle: machine,
    tags,
    arnOf: arn('endpoint'),
    configArnOf: arn('endpoint-config'),
    config: configStore.get,
  })
  const unwatch = watchFaults(deps.faults, store, machine)

  return {
    name: 'sagemaker',
    operations: { ...modelStore.operations, ...configStore.operations, ...operations, ...tags.operations },
    ...capacity,
    endpoints: store.directory,
    tagged: tags.tagged,
    state: () => ({
      models: modelStore.state(),
      endpointConfigs: configStore.state(),
      endpoints: [...store.all()].map((endpoint) => ({ ...describeEndpoint(endpoint), Tags: tags.list(endpoint.arn) })),
    }),
    async stop() {
      unwatch()
      await machine.stop(Math.min(delays.terminationGrace, STOP_GRACE_MS))
    },
  }
}
