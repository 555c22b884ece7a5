import type { Endpoint, EndpointDirectory, InvocableEndpoint, InvocableFleet, Route } from './types.ts'

/** SageMaker finds endpoints whatever their case, and invokes them by exactly their name. */
export type EndpointStore = {
  get(name: string | undefined): Endpoint | undefined
  add(endpoint: Endpoint): void
  remove(endpoint: Endpoint): void
  all(): IterableIterator<Endpoint>
  /** Tells the runtime that an endpoint's instances or status changed. */
  changed(endpoint: Endpoint): void
  directory: EndpointDirectory
}

const NOT_INVOCABLE: readonly Endpoint['status'][] = ['Creating', 'Failed', 'Deleting', 'OutOfService']

export function endpointStore(): EndpointStore {
  const byName = new Map<string, Endpoint>()
  const invocables = new Map<string, InvocableEndpoint>()
  const listeners = new Set<(endpointId: string) => void>()
  const invocable = (endpoint: Endpoint) =>
    byName.get(endpoint.name.toLowerCase()) === endpoint && !NOT_INVOCABLE.includes(endpoint.status)
  const changed = (endpoint: Endpoint) => {
    for (const listener of listeners) listener(endpoint.id)
  }
  return {
    get: (name) => byName.get((name ?? '').toLowerCase()),
    all: () => byName.values(),
    changed,
    add(endpoint) {
      byName.set(endpoint.name.toLowerCase(), endpoint)
      invocables.set(endpoint.name, {
        id: endpoint.id,
        name: endpoint.name,
        invocable: () => invocable(endpoint),
        gone: () => endpoint.status === 'Deleting',
        asyncConfig: () => endpoint.config.async,
        fleets: () => endpoint.routes.filter(({ share }) => share > 0).flatMap(fleetsOf),
      })
      changed(endpoint)
    },
    remove(endpoint) {
      byName.delete(endpoint.name.toLowerCase())
      invocables.delete(endpoint.name)
      changed(endpoint)
    },
    directory: {
      find(name) {
        const found = invocables.get(name)
        return found?.invocable() ? found : undefined
      },
      *all() {
        for (const endpoint of invocables.values()) if (endpoint.invocable()) yield endpoint
      },
      subscribe(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
  }
}

/** Weights count within their own configuration only: they part what its fleets get together. */
function fleetsOf({ configName, variants, share }: Route): InvocableFleet[] {
  const total = [...variants.values()].reduce((sum, { weight }) => sum + weight, 0)
  return [...variants.values()].map(({ id, name, weight, fleet }) => ({
    id,
    variantName: name,
    configName,
    share: total > 0 ? (share * weight) / total : share / variants.size,
    instances: fleet.healthy(),
  }))
}
