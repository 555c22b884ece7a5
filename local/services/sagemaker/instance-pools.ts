import { type InstancePool, type ProductionVariant, ProductionVariantInstanceType } from '@aws-sdk/client-sagemaker'
import type { Constraints } from './constraints.ts'
import { MODEL_NAME } from './constraints.ts'
import { validation } from './errors.ts'

/** Where a variant's instances may come from, and the model that runs there. */
export type Pool = { instanceType: string; modelName: string }

const INSTANCE_TYPES: readonly string[] = Object.values(ProductionVariantInstanceType)
const MAX_POOLS = 5

/** The pools of a variant in the order in which they are tried; one where the variant has an InstanceType. */
export function poolsOf(variant: ProductionVariant): [Pool, ...Pool[]] {
  const { InstancePools: given = [], InstanceType, ModelName = '' } = variant
  const pools = given
    .toSorted((a, b) => (a.Priority ?? 0) - (b.Priority ?? 0))
    .map((pool) => ({ instanceType: String(pool.InstanceType), modelName: pool.ModelNameOverride ?? ModelName }))
  const [first = { instanceType: String(InstanceType), modelName: ModelName }, ...rest] = pools
  return [first, ...rest]
}

/** Whether two variants take the same instances in the same order; their models may differ. */
export function samePools(a: ProductionVariant, b: ProductionVariant): boolean {
  const types = (variant: ProductionVariant) => poolsOf(variant).map(({ instanceType }) => instanceType)
  return types(a).join() === types(b).join()
}

/** Adds what is wrong with a variant's InstanceType or InstancePools, one of which it must have. */
export function poolRules(rules: Constraints, path: string, variant: ProductionVariant): void {
  const { InstanceType: type, InstancePools: pools, VariantInstanceProvisionTimeoutInSeconds: timeout } = variant
  rules
    .member(`${path}.instanceType`, type, { required: pools === undefined, oneOf: INSTANCE_TYPES })
    .member(`${path}.instancePools`, pools, { minLength: 1, maxLength: MAX_POOLS })
    .member(`${path}.variantInstanceProvisionTimeoutInSeconds`, timeout, { min: 300, max: 3600 })
  pools?.forEach((pool: InstancePool, index) => {
    const at = `${path}.instancePools.${index + 1}.member`
    rules
      .member(`${at}.instanceType`, pool.InstanceType, { required: true, oneOf: INSTANCE_TYPES })
      .member(`${at}.priority`, pool.Priority, { required: true, min: 1, max: MAX_POOLS })
      .member(`${at}.modelNameOverride`, pool.ModelNameOverride, { pattern: MODEL_NAME, maxLength: 63 })
  })
}

/** @throws ApiError ValidationException */
export function checkPools(variant: ProductionVariant): void {
  const { InstancePools: pools } = variant
  if (!pools) return
  if (variant.InstanceType)
    throw validation('InstanceType and InstancePools cannot both be specified for a production variant.')
  for (const member of ['InstanceType', 'Priority'] as const)
    if (new Set(pools.map((pool) => pool[member])).size < pools.length)
      throw validation(`The ${member} of each of a variant's InstancePools must be unique.`)
}
