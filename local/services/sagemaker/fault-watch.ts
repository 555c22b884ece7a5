import type { Faults } from '../../service.ts'
import type { EndpointStore } from './endpoint-store.ts'
import { reasonOf } from './launch.ts'
import type { Lifecycle } from './lifecycle.ts'

/** Real milliseconds between two looks: these faults strike an endpoint at rest, so no call asks for them. */
const WATCH_INTERVAL_MS = 100
const SYSTEM_UPDATE_MS = 60_000

/** Strikes endpoints in service with the faults that nobody's call triggers. Returns the way to stop it. */
export function watchFaults(faults: Faults, store: EndpointStore, lifecycle: Lifecycle): () => void {
  const look = () => {
    for (const endpoint of store.all()) {
      if (endpoint.status !== 'InService') continue
      const fails = faults.hit('endpoint.fails-in-service', endpoint.name)
      if (fails) {
        lifecycle.failInService(endpoint, reasonOf(fails))
        continue
      }
      const maintenance = faults.hit('endpoint.system-update', endpoint.name)
      if (maintenance) {
        const { delayMs } = maintenance
        lifecycle.systemUpdate(endpoint, typeof delayMs === 'number' ? delayMs : SYSTEM_UPDATE_MS)
      }
      const sick = faults.hit('endpoint.unhealthy', endpoint.name)
      for (const variant of endpoint.variants.values()) {
        // A fault that is used up cannot be cleared: it stays with what it struck.
        if (sick) variant.unhealthy = sick.times === undefined ? 'while-set' : 'for-good'
        else if (variant.unhealthy === 'while-set') variant.unhealthy = undefined
        if (variant.unhealthy) variant.fleet.kill()
        const running = variant.fleet.healthy()
        if (running.length > 0 && faults.hit('instance.kill', endpoint.name)) variant.fleet.kill(running.slice(0, 1))
      }
    }
  }
  const timer = setInterval(look, WATCH_INTERVAL_MS)
  return () => clearInterval(timer)
}
