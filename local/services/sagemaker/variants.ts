import { randomUUID } from 'node:crypto'
import { fleet, LaunchError } from '../../instances/fleet.ts'
import { FAILURES } from './errors.ts'
import { poolsOf } from './instance-pools.ts'
import { launch, withDigest } from './launch.ts'
import type { LifecycleDependencies } from './lifecycle.ts'
import type { EndpointConfig, Variant } from './types.ts'

/** Desired counts and weights by variant name, where they differ from the configuration's. */
export type VariantSettings = Map<string, { desired?: number; weight?: number }>

/** A configuration's variants with a fleet each, of which no instance is started yet. */
export function variantsOf(
  deps: LifecycleDependencies,
  endpointName: string,
  config: EndpointConfig,
  settings: VariantSettings,
): Map<string, Variant> {
  const onChange = () => {
    const endpoint = deps.store.get(endpointName)
    if (endpoint) deps.store.changed(endpoint)
  }
  return new Map(
    config.variants.map((variant): [string, Variant] => {
      const name = variant.VariantName ?? ''
      const model = deps.model(variant.ModelName ?? '')
      const seconds = variant.ContainerStartupHealthCheckTimeoutInSeconds
      const order = {
        endpointName,
        variantName: name,
        pools: poolsOf(variant),
        provisionTimeout: (variant.VariantInstanceProvisionTimeoutInSeconds ?? 0) * 1000,
        startupLimit: seconds === undefined ? undefined : seconds * 1000,
      }
      const built: Variant = {
        id: randomUUID(),
        name,
        config: variant,
        weight: settings.get(name)?.weight ?? variant.InitialVariantWeight ?? 1,
        desired: settings.get(name)?.desired ?? variant.InitialInstanceCount ?? 1,
        fleet: fleet({
          async launch(signal) {
            if (built.unhealthy) throw new LaunchError(FAILURES.ping(name))
            return launch(deps, order, signal)
          },
          onChange,
        }),
        deployedImage: model && {
          specified: model.specifiedImage,
          resolved: withDigest(model),
          at: model.createdAt,
        },
        status: undefined,
        unhealthy: undefined,
      }
      return [name, built]
    }),
  )
}
