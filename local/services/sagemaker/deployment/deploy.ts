import type { DeploymentConfig } from '@aws-sdk/client-sagemaker'
import { FAILURES, notFoundText } from '../errors.ts'
import { reasonOf } from '../launch.ts'
import type { LifecycleDependencies } from '../lifecycle.ts'
import { held, pause } from '../pause.ts'
import { failureReason, type Stage } from '../stage.ts'
import { refusedTopic } from '../test-notification.ts'
import type { Endpoint, EndpointConfig, Route, Variant } from '../types.ts'
import { type VariantSettings, variantsOf } from '../variants.ts'
import { blueGreen } from './blue-green.ts'
import { DeploymentFailed, type Guard, guard } from './guard.ts'
import { rolling } from './rolling.ts'

export type Order = {
  endpoint: Endpoint
  config: EndpointConfig
  settings: VariantSettings
  policy: DeploymentConfig | undefined
}

/** What a strategy moves, and what it moves it with. */
export type Deployment = Stage & {
  deps: LifecycleDependencies
  policy: DeploymentConfig | undefined
  /** The new configuration's fleets; nothing runs yet. */
  next: Map<string, Variant>
  /** The fleets of the configuration in use. */
  old: Map<string, Variant>
  /** Gives the new fleets this share of the traffic, 0 to 1, and the old ones the rest. */
  route(share: number): void
  /** To be called once new instances are up: whether the deployment may go on. @throws DeploymentFailed */
  check(): void
  /** Waits `ms` of the cloud's clock. @throws DeploymentFailed when an alarm fires or the time is over */
  bake(ms: number, message: (variant: Variant) => string): Promise<void>
}

/** One way from an old fleet to a new one. */
export type Strategy = {
  /**
   * Brings the new fleets up and all traffic to them. The old fleets are ended by whoever called.
   * @throws DeploymentFailed, LaunchError, or the signal's reason
   */
  forward(deployment: Deployment, signal: AbortSignal): Promise<void>
  /** Brings the old fleets back to their counts. Resolves with whether they are. */
  back(deployment: Deployment): Promise<boolean>
}

/** One UpdateEndpoint, from its acceptance to InService on the new configuration, or on the old one. */
export function deploy(deps: LifecycleDependencies, stage: Stage, order: Order): void {
  const { endpoint, config, policy } = order
  const { clock, delays, faults, store } = deps
  const before = { config: endpoint.config, variants: endpoint.variants, routes: endpoint.routes }
  const next = variantsOf(deps, endpoint.name, config, order.settings)
  const strategy = policy?.RollingUpdatePolicy ? rolling : blueGreen

  const route = (share: number) => {
    const rest: Route[] = before.routes.map((each) => ({ ...each, share: each.share * (1 - share) }))
    endpoint.routes = share > 0 ? [...rest, { configName: config.name, variants: next, share }] : before.routes
    store.changed(endpoint)
  }

  const deploymentWith = ({ signal }: Guard): Deployment => ({
    ...stage,
    deps,
    policy,
    next,
    old: before.variants,
    route,
    check() {
      const fault = faults.hit('endpoint.update-fails', endpoint.name)
      // A reason of '' is the silent rollback that users report: InService on the old configuration, nothing said.
      if (fault) throw new DeploymentFailed(reasonOf(fault) ?? FAILURES.ping(config.variants[0]?.VariantName ?? ''))
      const missing = [before.config, config].find((each) => !deps.config(each.name))
      if (missing) throw new DeploymentFailed(notFoundText('endpoint-config', missing.arn))
    },
    async bake(ms, message) {
      signal.throwIfAborted()
      if (ms <= 0) return
      stage.mark(next.values(), 'Baking', message)
      await pause(clock, ms, signal)
    },
  })

  const forward = async (deployment: Deployment, signal: AbortSignal) => {
    const refused = await refusedTopic(deps, config)
    if (refused) throw new DeploymentFailed(refused)
    await pause(clock, delays.updating, signal)
    await held(faults, 'endpoint.stuck-updating', endpoint.name, signal)
    await strategy.forward(deployment, signal)
  }

  const rollBack = async (deployment: Deployment, reason: string) => {
    const fails = faults.hit('endpoint.rollback-fails', endpoint.name) !== undefined
    // A rolling deployment whose rollback fails stays in service on a mix of both; any other still has its whole old fleet.
    const back = fails ? strategy !== rolling : await strategy.back(deployment)
    const serving = endpoint.routes.some(({ variants }) => variants === next)
    if (back || !serving) {
      route(0)
      stage.mark(next.values(), 'Deleting', ({ desired }) => `Terminating ${desired} instance(s).`)
      await stage.terminate(next.values())
    }
    stage.mark([...before.variants.values(), ...next.values()])
    endpoint.pending = undefined
    // Also where it went back to a mix that an earlier rollback had left.
    const mixed = endpoint.routes.length > 1
    stage.enter(endpoint, fails || !back || mixed ? 'UpdateRollbackFailed' : 'InService', reason || undefined)
  }

  endpoint.pending = { config, startedAt: stage.now(), variants: next }
  endpoint.deployment = policy
  stage.enter(endpoint, 'Updating')
  void stage.run(endpoint, async (transition) => {
    const watch = guard(deps, policy, transition)
    const deployment = deploymentWith(watch)
    try {
      await forward(deployment, watch.signal)
    } catch (error) {
      transition.throwIfAborted()
      // What was cut short may say so in its own words; the guard knows why.
      const cause: unknown = watch.signal.aborted ? watch.signal.reason : error
      return await rollBack(deployment, cause instanceof DeploymentFailed ? cause.message : failureReason(cause))
    } finally {
      watch.stop()
    }
    const gone = before.routes.flatMap(({ variants }) => [...variants.values()])
    stage.mark(gone, 'Deleting', ({ fleet }) => `Terminating ${fleet.desired()} instance(s).`)
    await stage.terminate(gone)
    stage.mark(next.values())
    const routes: Route[] = [{ configName: config.name, variants: next, share: 1 }]
    Object.assign(endpoint, { config, variants: next, routes, pending: undefined })
    stage.enter(endpoint, 'InService')
  })
}
