import type {
  CreateEndpointCommandInput,
  DeploymentConfig,
  ProductionVariant,
  UpdateEndpointCommandInput,
  UpdateEndpointWeightsAndCapacitiesCommandInput,
} from '@aws-sdk/client-sagemaker'
import type { Call, Service, VariantCapacity } from '../../service.ts'
import { constraints, NAME } from './constraints.ts'
import { checkDeployment } from './deployment/rules.ts'
import type { EndpointStore } from './endpoint-store.ts'
import { describeEndpoint, endpointSummary } from './endpoint-view.ts'
import { alreadyExists, inProgress, notFound, overQuota, validation } from './errors.ts'
import { poolsOf, samePools } from './instance-pools.ts'
import type { Lifecycle } from './lifecycle.ts'
import { type ListInput, page } from './paging.ts'
import type { TagStore } from './tags.ts'
import type { Endpoint, EndpointConfig, SagemakerDependencies } from './types.ts'
import type { VariantSettings } from './variants.ts'

export type EndpointOperationsDependencies = Pick<SagemakerDependencies, 'alarms' | 'faults' | 'scalableTargets'> & {
  store: EndpointStore
  lifecycle: Lifecycle
  tags: TagStore
  arnOf: (name: string) => string
  configArnOf: (name: string) => string
  config: (name: string) => EndpointConfig | undefined
}

const IN_PROGRESS: readonly Endpoint['status'][] = ['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting']

/** The operations on endpoints: what is refused at once, and what goes to the state machine. */
export function endpointOperations(deps: EndpointOperationsDependencies): {
  operations: Service['operations']
  capacity: VariantCapacity
} {
  const { store, lifecycle, tags, faults } = deps

  const found = (call: Call): Endpoint => {
    const name = (call.input as { EndpointName?: string }).EndpointName
    constraints().member('endpointName', name, { required: true, pattern: NAME, maxLength: 63 }).verify()
    const endpoint = store.get(name)
    if (!endpoint) throw notFound('endpoint', deps.arnOf(String(name)))
    return endpoint
  }
  /** A configuration by name. The fault is the eventually consistent table from which SageMaker reads it. */
  const configOf = (name: string | undefined): EndpointConfig => {
    constraints().member('endpointConfigName', name, { required: true, pattern: NAME, maxLength: 63 }).verify()
    const config = deps.config(String(name))
    if (!config || faults.hit('endpoint-config.not-visible', config.name))
      throw notFound('endpoint-config', deps.configArnOf(String(name)))
    return config
  }
  const changeable = (endpoint: Endpoint) => {
    if (IN_PROGRESS.includes(endpoint.status)) throw inProgress(endpoint.arn)
    if (endpoint.status === 'Failed')
      throw validation(`Cannot update endpoint "${endpoint.arn}" in status Failed. It can only be deleted.`)
  }
  const withinQuota = (endpointName: string, instanceType: string, delta: number) => {
    if (delta > 0 && faults.hit('endpoint.quota', endpointName)) throw overQuota(instanceType, 0, 0, delta)
  }
  const countOf = (variant: ProductionVariant, settings: VariantSettings) =>
    settings.get(variant.VariantName ?? '')?.desired ?? variant.InitialInstanceCount ?? 1
  /** What Create and UpdateEndpoint refuse at once. */
  const deployable = (
    name: string,
    config: EndpointConfig,
    settings: VariantSettings,
    deployment: DeploymentConfig | undefined,
  ) => {
    const counts = config.variants.map((variant) => countOf(variant, settings))
    checkDeployment(deployment, counts, (alarm) => deps.alarms.stateOf(alarm) !== undefined)
    for (const variant of config.variants)
      withinQuota(name, poolsOf(variant)[0].instanceType, countOf(variant, settings))
  }

  /** A scalable target is bound to its variant's name and instance type. */
  const keepsScalableTargets = (endpoint: Endpoint, config: EndpointConfig) => {
    for (const variant of endpoint.variants.values()) {
      if (!deps.scalableTargets.has(endpoint.name, variant.name)) continue
      const next = config.variants.find((each) => each.VariantName === variant.name)
      const what = next ? 'the instance type of' : 'the removal of'
      if (!next || !samePools(next, variant.config))
        throw validation(
          `Cannot update endpoint "${endpoint.arn}": the new endpoint configuration changes ${what} variant "${variant.name}", which is registered as an Application Auto Scaling scalable target. Deregister the scalable target first.`,
        )
    }
  }

  const setCapacity = (endpoint: Endpoint, settings: VariantSettings): Promise<string | undefined> => {
    changeable(endpoint)
    for (const [name, { desired }] of settings) {
      const variant = endpoint.variants.get(name)
      if (!variant)
        throw validation(
          `The variant name(s) "${name}" is/are not present within endpoint configuration "${endpoint.config.arn}".`,
        )
      if (desired === 0 && !endpoint.config.async)
        throw validation(`The desired instance count of variant "${name}" must be at least 1 for a real-time endpoint.`)
      withinQuota(endpoint.name, poolsOf(variant.config)[0].instanceType, (desired ?? 0) - variant.desired)
    }
    return lifecycle.resize(endpoint, settings)
  }

  const operations: Service['operations'] = {
    CreateEndpoint(call: Call) {
      const input = call.input as Partial<CreateEndpointCommandInput>
      constraints()
        .member('endpointName', input.EndpointName, { required: true, pattern: NAME, maxLength: 63 })
        .verify()
      tags.check(input.Tags)
      const name = String(input.EndpointName)
      const arn = deps.arnOf(name)
      if (store.get(name)) throw alreadyExists('endpoint', arn)
      const config = configOf(input.EndpointConfigName)
      deployable(name, config, new Map(), input.DeploymentConfig)
      tags.set(arn, input.Tags)
      lifecycle.create(config, name, arn, input.DeploymentConfig)
      return { EndpointArn: arn }
    },

    DescribeEndpoint: (call: Call) => describeEndpoint(found(call)),

    UpdateEndpoint(call: Call) {
      const input = call.input as Partial<UpdateEndpointCommandInput>
      const endpoint = found(call)
      changeable(endpoint)
      const config = configOf(input.EndpointConfigName)
      // The configuration in use is read too: once it is deleted, no update of the endpoint succeeds any more.
      if (!deps.config(endpoint.config.name)) throw notFound('endpoint-config', endpoint.config.arn)
      keepsScalableTargets(endpoint, config)
      const settings = retained(endpoint, input)
      deployable(endpoint.name, config, settings, input.DeploymentConfig)
      const deployment = input.RetainDeploymentConfig ? endpoint.deployment : input.DeploymentConfig
      lifecycle.update(endpoint, config, settings, deployment)
      return { EndpointArn: endpoint.arn }
    },

    UpdateEndpointWeightsAndCapacities(call: Call) {
      const input = call.input as Partial<UpdateEndpointWeightsAndCapacitiesCommandInput>
      const endpoint = found(call)
      const wanted = input.DesiredWeightsAndCapacities
      const rules = constraints().member('desiredWeightsAndCapacities', wanted, { required: true })
      wanted?.forEach((each, index) => {
        const path = `desiredWeightsAndCapacities.${index + 1}.member`
        rules
          .member(`${path}.variantName`, each.VariantName, { required: true, pattern: NAME, maxLength: 63 })
          .member(`${path}.desiredInstanceCount`, each.DesiredInstanceCount, { min: 0 })
          .member(`${path}.desiredWeight`, each.DesiredWeight, { min: 0 })
      })
      rules.verify()
      const settings: VariantSettings = new Map()
      for (const { VariantName: name = '', DesiredInstanceCount: desired, DesiredWeight: weight } of wanted ?? [])
        settings.set(name, {
          ...(desired === undefined ? {} : { desired }),
          ...(weight === undefined ? {} : { weight }),
        })
      void setCapacity(endpoint, settings)
      return { EndpointArn: endpoint.arn }
    },

    DeleteEndpoint(call: Call) {
      const endpoint = found(call)
      if (IN_PROGRESS.includes(endpoint.status)) throw inProgress(endpoint.arn)
      deps.scalableTargets.deregister(endpoint.name)
      lifecycle.delete(endpoint)
      return {}
    },

    ListEndpoints(call: Call) {
      const { items, ...token } = page(store.all(), call.input as ListInput)
      return { Endpoints: items.map(endpointSummary), ...token }
    },
  }

  return {
    operations,
    capacity: {
      describe(endpointName, variantName) {
        const endpoint = store.get(endpointName)
        const variant = endpoint?.variants.get(variantName)
        if (!endpoint || !variant) return undefined
        return {
          desired: variant.desired,
          current: variant.fleet.healthy().length,
          scalable: !IN_PROGRESS.includes(endpoint.status) && endpoint.status !== 'Failed',
        }
      },
      setDesired(endpointName, variantName, count) {
        const endpoint = store.get(endpointName)
        if (!endpoint) throw notFound('endpoint', deps.arnOf(endpointName))
        return setCapacity(endpoint, new Map([[variantName, { desired: count }]]))
      },
    },
  }
}

/** The counts and weights an update keeps: none, unless RetainAllVariantProperties asks for it. */
function retained(endpoint: Endpoint, input: Partial<UpdateEndpointCommandInput>): VariantSettings {
  if (!input.RetainAllVariantProperties) return new Map()
  const excluded = new Set(input.ExcludeRetainedVariantProperties?.map((each) => each.VariantPropertyType))
  return new Map(
    [...endpoint.variants.values()].map(({ name, desired, weight }) => [
      name,
      {
        ...(excluded.has('DesiredInstanceCount') ? {} : { desired }),
        ...(excluded.has('DesiredWeight') ? {} : { weight }),
      },
    ]),
  )
}
