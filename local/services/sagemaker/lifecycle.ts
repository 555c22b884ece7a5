import { randomUUID } from 'node:crypto'
import type { DeploymentConfig, VariantStatus } from '@aws-sdk/client-sagemaker'
import { LaunchError } from '../../instances/fleet.ts'
import { bakingTimes } from './deployment.ts'
import type { EndpointStore } from './endpoint-store.ts'
import { FAILURES, notFoundText } from './errors.ts'
import { reasonOf } from './launch.ts'
import { held, pause } from './pause.ts'
import { refusedTopic } from './test-notification.ts'
import type { Endpoint, EndpointConfig, Model, SagemakerDelays, SagemakerDependencies, Variant } from './types.ts'
import { type VariantSettings, variantsOf } from './variants.ts'

export type LifecycleDependencies = SagemakerDependencies & {
  delays: SagemakerDelays
  store: EndpointStore
  model: (name: string) => Model | undefined
  modelArn: (name: string) => string
  config: (name: string) => EndpointConfig | undefined
  /** Called when an endpoint is gone for good. */
  onGone: (endpoint: Endpoint) => void
  /** Called whenever an endpoint enters a state, its creation included. */
  onState: (endpoint: Endpoint) => void
}

/** What happens to an endpoint after a call was accepted; each returns at once and the transition goes on by itself. */
export type Lifecycle = {
  create(config: EndpointConfig, name: string, arn: string): Endpoint
  update(endpoint: Endpoint, config: EndpointConfig, settings: VariantSettings, deployment?: DeploymentConfig): void
  /** Resolves once the endpoint is InService again: with the reason where the change was rolled back. Never rejects. */
  resize(endpoint: Endpoint, settings: VariantSettings): Promise<string | undefined>
  delete(endpoint: Endpoint): void
  /** AWS's own maintenance: SystemUpdating, back to InService after `durationMs` of the cloud's clock. */
  systemUpdate(endpoint: Endpoint, durationMs: number): void
  /** The running instances die and are not replaced: Failed. */
  failInService(endpoint: Endpoint, reason: string | undefined): void
  stop(graceMs: number): Promise<void>
}

/** The state machine of endpoints. */
export function lifecycle(deps: LifecycleDependencies): Lifecycle {
  const { clock, delays, faults, store } = deps
  const transitions = new Set<Promise<void>>()
  const stopping = new AbortController()
  const now = () => new Date(clock.now())

  const enter = (endpoint: Endpoint, status: Endpoint['status'], failureReason?: string) => {
    endpoint.status = status
    endpoint.failureReason = failureReason
    endpoint.modifiedAt = now()
    store.changed(endpoint)
    deps.onState(endpoint)
  }

  /** Runs a transition to its end; one cut short by stop() leaves the endpoint where it is. */
  const run = (endpoint: Endpoint, transition: (signal: AbortSignal) => Promise<void>): Promise<void> => {
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
  }

  const newVariants = (endpointName: string, config: EndpointConfig, settings: VariantSettings = new Map()) =>
    variantsOf(deps, endpointName, config, settings)

  const mark = (
    variants: Iterable<Variant>,
    status?: VariantStatus,
    message: (variant: Variant) => string = () => '',
  ) => {
    for (const variant of variants) variant.status = status && { status, message: message(variant), since: now() }
  }
  const start = (variants: Iterable<Variant>) =>
    Promise.all([...variants].map((variant) => variant.fleet.resize(variant.desired, delays.terminationGrace)))
  const terminate = (variants: Iterable<Variant>, graceMs = delays.terminationGrace) =>
    Promise.all([...variants].map((variant) => variant.fleet.stop(graceMs)))

  const testNotification = (config: EndpointConfig) => refusedTopic(deps, config)

  /** Starts the fleets of `variants`. Returns the FailureReason when they do not all become healthy. */
  const bringUp = async (variants: Map<string, Variant>, signal: AbortSignal): Promise<string | undefined> => {
    mark(variants.values(), 'Creating', (variant) => `Launching ${variant.desired} instance(s).`)
    try {
      await start(variants.values())
    } catch (error) {
      return failureReason(error)
    }
    signal.throwIfAborted()
    mark(variants.values())
    return undefined
  }

  return {
    create(config, name, arn) {
      const created = now()
      const variants = newVariants(name, config)
      const endpoint: Endpoint = {
        id: randomUUID(),
        name,
        arn,
        config,
        status: 'Creating',
        failureReason: undefined,
        createdAt: created,
        modifiedAt: created,
        variants: new Map(),
        pending: { config, startedAt: created, variants },
        deployment: undefined,
        abort: new AbortController(),
      }
      store.add(endpoint)
      deps.onState(endpoint)
      void run(endpoint, async (signal) => {
        const failed = async (reason: string) => {
          await terminate(variants.values())
          endpoint.pending = undefined
          enter(endpoint, 'Failed', reason)
        }
        const refused = await testNotification(config)
        if (refused) return failed(refused)
        await pause(clock, delays.creating, signal)
        await held(faults, 'endpoint.stuck-creating', name, signal)
        const unhealthy = await bringUp(variants, signal)
        const fault = faults.hit('endpoint.create-fails', name)
        if (fault) return failed(reasonOf(fault) ?? unhealthy ?? FAILURES.ping(config.variants[0]?.VariantName ?? ''))
        if (unhealthy) return failed(unhealthy)
        endpoint.variants = variants
        endpoint.pending = undefined
        enter(endpoint, 'InService')
      })
      return endpoint
    },

    update(endpoint, config, settings, deployment) {
      const old = { config: endpoint.config, variants: endpoint.variants }
      const variants = newVariants(endpoint.name, config, settings)
      endpoint.pending = { config, startedAt: now(), variants }
      endpoint.deployment = deployment
      enter(endpoint, 'Updating')
      void run(endpoint, async (signal) => {
        const rollBack = async (reason: string) => {
          mark(variants.values(), 'Deleting', (variant) => `Terminating ${variant.desired} instance(s).`)
          await terminate(variants.values())
          endpoint.pending = undefined
          mark(old.variants.values())
          const stays = faults.hit('endpoint.rollback-fails', endpoint.name)
          enter(endpoint, stays ? 'UpdateRollbackFailed' : 'InService', reason || undefined)
        }
        const refused = await testNotification(config)
        if (refused) return rollBack(refused)
        await pause(clock, delays.updating, signal)
        await held(faults, 'endpoint.stuck-updating', endpoint.name, signal)
        const unhealthy = await bringUp(variants, signal)
        const fault = faults.hit('endpoint.update-fails', endpoint.name)
        // A reason of '' is the silent rollback that users report: InService on the old configuration, nothing said.
        if (fault) return rollBack(reasonOf(fault) ?? unhealthy ?? FAILURES.ping(config.variants[0]?.VariantName ?? ''))
        if (unhealthy) return rollBack(unhealthy)
        for (const missing of [old.config, config].filter((each) => !deps.config(each.name)))
          return rollBack(notFoundText('endpoint-config', missing.arn))

        const baking = bakingTimes(deployment)
        for (const wait of baking.shifting) {
          mark(variants.values(), 'Baking', () => `Baking for ${wait / 1000} seconds.`)
          await pause(clock, wait, signal)
        }
        endpoint.variants = variants
        endpoint.config = config
        store.changed(endpoint)
        mark(
          variants.values(),
          'Baking',
          () => `Baking for ${baking.termination / 1000} seconds (TerminationWaitInSeconds).`,
        )
        await pause(clock, baking.termination, signal)
        mark(variants.values())
        await terminate(old.variants.values())
        endpoint.pending = undefined
        enter(endpoint, 'InService')
      })
    },

    resize(endpoint, settings) {
      const before = new Map(
        [...endpoint.variants.values()].map(({ name, desired, weight }) => [name, { desired, weight }]),
      )
      const apply = (wanted: VariantSettings) => {
        for (const [name, { desired, weight }] of wanted) {
          const variant = endpoint.variants.get(name)
          if (!variant) continue
          variant.desired = desired ?? variant.desired
          variant.weight = weight ?? variant.weight
        }
      }
      apply(settings)
      enter(endpoint, 'Updating')
      let rolledBack: string | undefined
      const running = run(endpoint, async (signal) => {
        const variants = [...endpoint.variants.values()]
        const growing = variants.some(({ name, desired }) => desired > (before.get(name)?.desired ?? 0))
        const restore = async (reason: string) => {
          rolledBack = reason
          enter(endpoint, 'RollingBack', reason)
          apply(before)
          // What cannot come back now, such as one that ended meanwhile, is replaced later: the endpoint serves with the rest.
          await start(variants).catch(failureReason)
          mark(variants)
          enter(endpoint, 'InService', reason)
        }
        const refused = await testNotification(endpoint.config)
        if (refused) return restore(refused)
        mark(variants, 'Updating', (variant) => {
          const change = variant.desired - (before.get(variant.name)?.desired ?? 0)
          return change >= 0
            ? `Scaling out desired instance count to ${variant.desired}.`
            : `Terminating ${-change} instance(s).`
        })
        await pause(clock, delays.updating, signal)
        await held(faults, 'endpoint.stuck-updating', endpoint.name, signal)
        if (growing && !deps.config(endpoint.config.name))
          return restore(notFoundText('endpoint-config', endpoint.config.arn))
        try {
          await start(variants)
        } catch (error) {
          return restore(failureReason(error))
        }
        signal.throwIfAborted()
        mark(variants)
        enter(endpoint, 'InService')
      })
      return running.then(() => rolledBack ?? (endpoint.status === 'Failed' ? endpoint.failureReason : undefined))
    },

    delete(endpoint) {
      enter(endpoint, 'Deleting', endpoint.failureReason)
      void run(endpoint, async (signal) => {
        await pause(clock, delays.deleting, signal)
        await held(faults, 'endpoint.stuck-deleting', endpoint.name, signal)
        await terminate(endpoint.variants.values())
        store.remove(endpoint)
        deps.onGone(endpoint)
      })
    },

    systemUpdate(endpoint, durationMs) {
      enter(endpoint, 'SystemUpdating', endpoint.failureReason)
      void run(endpoint, async (signal) => {
        await pause(clock, durationMs, signal)
        enter(endpoint, 'InService', endpoint.failureReason)
      })
    },

    failInService(endpoint, reason) {
      const variants = [...endpoint.variants.values()]
      for (const variant of variants) variant.fleet.kill()
      enter(endpoint, 'Failed', reason ?? FAILURES.ping(variants[0]?.name ?? ''))
      void run(endpoint, async () => void (await terminate(variants, 0)))
    },

    async stop(graceMs) {
      stopping.abort(new DOMException('the local cloud stops', 'AbortError'))
      const fleets = [...store.all()].flatMap((endpoint) => [
        ...endpoint.variants.values(),
        ...(endpoint.pending?.variants.values() ?? []),
      ])
      await terminate(fleets, graceMs)
      await Promise.all(transitions)
    },
  }
}

/** What SageMaker says of an error; one that is not a failed launch is a defect of the local cloud, or of its neighbours. */
function failureReason(error: unknown): string {
  if (error instanceof LaunchError) return error.message
  process.emitWarning(error instanceof Error ? error : new Error(String(error)))
  return FAILURES.internal()
}
