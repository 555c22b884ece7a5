import { randomUUID } from 'node:crypto'
import type { DeploymentConfig } from '@aws-sdk/client-sagemaker'
import { deploy } from './deployment/deploy.ts'
import type { EndpointStore } from './endpoint-store.ts'
import { FAILURES, notFoundText } from './errors.ts'
import { reasonOf } from './launch.ts'
import { held, pause } from './pause.ts'
import { allVariants, failureReason, stage } from './stage.ts'
import { refusedTopic } from './test-notification.ts'
import type { Endpoint, EndpointConfig, Model, SagemakerDelays, SagemakerDependencies } from './types.ts'
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
  create(config: EndpointConfig, name: string, arn: string, deployment?: DeploymentConfig): Endpoint
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
  const scene = stage(deps)
  const { now, enter, run, mark, start, terminate } = scene

  return {
    create(config, name, arn, deployment) {
      const created = now()
      const variants = variantsOf(deps, name, config, new Map())
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
        routes: [],
        pending: { config, startedAt: created, variants },
        deployment,
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
        const refused = await refusedTopic(deps, config)
        if (refused) return failed(refused)
        await pause(clock, delays.creating, signal)
        await held(faults, 'endpoint.stuck-creating', name, signal)
        mark(variants.values(), 'Creating', (variant) => `Launching ${variant.desired} instance(s).`)
        const unhealthy = await start(variants.values()).then(() => undefined, failureReason)
        signal.throwIfAborted()
        const fault = faults.hit('endpoint.create-fails', name)
        if (fault) return failed(reasonOf(fault) ?? unhealthy ?? FAILURES.ping(config.variants[0]?.VariantName ?? ''))
        if (unhealthy) return failed(unhealthy)
        mark(variants.values())
        endpoint.variants = variants
        endpoint.routes = [{ configName: config.name, variants, share: 1 }]
        endpoint.pending = undefined
        enter(endpoint, 'InService')
      })
      return endpoint
    },

    update: (endpoint, config, settings, deployment) =>
      deploy(deps, scene, { endpoint, config, settings, policy: deployment }),

    async resize(endpoint, settings) {
      const from = endpoint.status
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
      await run(endpoint, async (signal) => {
        const variants = [...endpoint.variants.values()]
        const growth = (name: string, desired: number) => desired - (before.get(name)?.desired ?? 0)
        const restore = async (reason: string) => {
          rolledBack = reason
          enter(endpoint, 'RollingBack', reason)
          apply(before)
          // What cannot come back now, such as one that ended meanwhile, is replaced later: the endpoint serves with the rest.
          await start(variants).catch(failureReason)
          await held(faults, 'endpoint.stuck-rolling-back', endpoint.name, signal)
          mark(variants)
          enter(endpoint, from, reason)
        }
        const refused = await refusedTopic(deps, endpoint.config)
        if (refused) return restore(refused)
        mark(variants, 'Updating', ({ name, desired }) => {
          const change = growth(name, desired)
          return change >= 0
            ? `Scaling out desired instance count to ${desired}.`
            : `Terminating ${-change} instance(s).`
        })
        await pause(clock, delays.updating, signal)
        await held(faults, 'endpoint.stuck-updating', endpoint.name, signal)
        const grows = variants.some(({ name, desired }) => growth(name, desired) > 0)
        if (grows && !deps.config(endpoint.config.name))
          return restore(notFoundText('endpoint-config', endpoint.config.arn))
        try {
          await start(variants)
        } catch (error) {
          return restore(failureReason(error))
        }
        signal.throwIfAborted()
        mark(variants)
        enter(endpoint, from)
      })
      return rolledBack ?? (endpoint.status === 'Failed' ? endpoint.failureReason : undefined)
    },

    delete(endpoint) {
      enter(endpoint, 'Deleting', endpoint.failureReason)
      void run(endpoint, async (signal) => {
        await pause(clock, delays.deleting, signal)
        await held(faults, 'endpoint.stuck-deleting', endpoint.name, signal)
        await terminate(allVariants(endpoint))
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
      const variants = allVariants(endpoint)
      for (const variant of variants) variant.fleet.kill()
      enter(endpoint, 'Failed', reason ?? FAILURES.ping(variants[0]?.name ?? ''))
      void run(endpoint, () => terminate(variants, 0))
    },

    async stop(graceMs) {
      scene.abort()
      await terminate([...store.all()].flatMap(allVariants), graceMs)
      await scene.idle()
    },
  }
}
