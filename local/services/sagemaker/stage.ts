import type { VariantStatus } from '@aws-sdk/client-sagemaker'
import { LaunchError } from '../../instances/fleet.ts'
import { FAILURES } from './errors.ts'
import type { LifecycleDependencies } from './lifecycle.ts'
import type { Endpoint, Variant } from './types.ts'

/** What every transition of an endpoint is made of. */
export type Stage = {
  now(): Date
  enter(endpoint: Endpoint, status: Endpoint['status'], failureReason?: string): void
  /** Runs a transition to its end; one cut short by stop() leaves the endpoint where it is. Never rejects. */
  run(endpoint: Endpoint, transition: (signal: AbortSignal) => Promise<void>): Promise<void>
  /** Says what variants are at; without a status, nothing any more. */
  mark(variants: Iterable<Variant>, status?: VariantStatus, message?: (variant: Variant) => string): void
  /** Brings fleets to their desired counts. @throws LaunchError */
  start(variants: Iterable<Variant>): Promise<void>
  /** Ends fleets for good. */
  terminate(variants: Iterable<Variant>, graceMs?: number): Promise<void>
  /** Ends every transition where it is. */
  abort(): void
  /** Resolves once no transition runs. */
  idle(): Promise<void>
}

export function stage({
  clock,
  delays,
  store,
  onState,
}: Pick<LifecycleDependencies, 'clock' | 'delays' | 'store' | 'onState'>): Stage {
  const transitions = new Set<Promise<void>>()
  const stopping = new AbortController()
  const now = () => new Date(clock.now())
  const enter: Stage['enter'] = (endpoint, status, failureReason) => {
    endpoint.status = status
    endpoint.failureReason = failureReason
    endpoint.modifiedAt = now()
    store.changed(endpoint)
    onState(endpoint)
  }
  return {
    now,
    enter,
    run(endpoint, transition) {
      endpoint.abort = new AbortController()
      const signal = AbortSignal.any([endpoint.abort.signal, stopping.signal])
      const running = transition(signal).catch((error: unknown) => {
        if (signal.aborted) return
        process.emitWarning(error instanceof Error ? error : new Error(String(error)))
        enter(endpoint, 'Failed', FAILURES.internal())
      })
      transitions.add(running)
      void running.finally(() => transitions.delete(running))
      return running
    },
    mark(variants, status, message = () => '') {
      for (const variant of variants) variant.status = status && { status, message: message(variant), since: now() }
    },
    async start(variants) {
      await Promise.all([...variants].map((variant) => variant.fleet.resize(variant.desired, delays.terminationGrace)))
    },
    async terminate(variants, graceMs = delays.terminationGrace) {
      await Promise.all([...variants].map((variant) => variant.fleet.stop(graceMs)))
    },
    abort: () => stopping.abort(new DOMException('the local cloud stops', 'AbortError')),
    async idle() {
      await Promise.all(transitions)
    },
  }
}

/** Every fleet that an endpoint has: those that answer, and those that are coming. */
export function allVariants(endpoint: Endpoint): Variant[] {
  const maps = [endpoint.variants, ...endpoint.routes.map(({ variants }) => variants), endpoint.pending?.variants]
  return [...new Set(maps.flatMap((variants) => [...(variants?.values() ?? [])]))]
}

/** What SageMaker says of an error; one that is not a failed launch is a defect of the local cloud, or of its neighbours. */
export function failureReason(error: unknown): string {
  if (error instanceof LaunchError) return error.message
  process.emitWarning(error instanceof Error ? error : new Error(String(error)))
  return FAILURES.internal()
}
