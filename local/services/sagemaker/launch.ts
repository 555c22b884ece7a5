import { randomBytes } from 'node:crypto'
import { LaunchError } from '../../instances/fleet.ts'
import { emptyInstance, type Instance, StartError, startInstance } from '../../instances/instance.ts'
import type { JsonObject } from '../../service.ts'
import { FAILURES, notFoundText } from './errors.ts'
import type { Pool } from './instance-pools.ts'
import { unpackModelData } from './model-data.ts'
import { pause } from './pause.ts'
import { provision } from './provision.ts'
import type { Model, SagemakerDelays, SagemakerDependencies } from './types.ts'

/** A container that ends before its first good ping is started again so often, within the start-up limit. */
const MAX_STARTS = 3

export type LaunchOrder = {
  endpointName: string
  variantName: string
  /** In the order in which they are tried. */
  pools: readonly [Pool, ...Pool[]]
  /** Of VariantInstanceProvisionTimeoutInSeconds, in milliseconds. */
  provisionTimeout: number
  /** Of ContainerStartupHealthCheckTimeoutInSeconds, in milliseconds. */
  startupLimit: number | undefined
}

/**
 * Brings up one instance of a variant: capacity, image, model data, container, pings.
 * @throws LaunchError with the text of SageMaker's FailureReason.
 */
export async function launch(
  deps: SagemakerDependencies & {
    delays: SagemakerDelays
    model: (name: string) => Model | undefined
    modelArn: (name: string) => string
  },
  order: LaunchOrder,
  signal: AbortSignal,
): Promise<Instance> {
  const { clock, faults, delays } = deps
  const { endpointName, variantName } = order
  const group = `/aws/sagemaker/Endpoints/${endpointName}`

  const { instanceType, modelName } = await provision(deps, endpointName, order.pools, order.provisionTimeout, signal)
  const model = deps.model(modelName)
  if (!model) throw new LaunchError(notFoundText('model', deps.modelArn(modelName)))
  const image = deps.images.find(withDigest(model))
  if (!image) throw new LaunchError(FAILURES.image(variantName))

  const slow = faults.hit('instance.slow-start', endpointName)?.delayMs
  await pause(clock, delays.instanceStart + (typeof slow === 'number' ? slow : 0), signal)
  const id = `i-${randomBytes(9).toString('hex').slice(0, 17)}`
  if (image.command.length === 0) return { ...emptyInstance(id, image.port), instanceType }

  const data = await unpackModelData(deps.objects, model.container.ModelDataUrl)
  const limit = order.startupLimit ?? delays.startupLimit
  const deadline = performance.now() + limit
  for (let start = 1; ; start++) {
    try {
      const instance = await startInstance({
        id,
        image,
        environment: { ...model.container.Environment, ...deps.containerEnvironment(), ...data.environment },
        startupLimit: Math.max(1, deadline - performance.now()),
        terminationGrace: delays.terminationGrace,
        onLine: (line) => deps.logs.append(group, `${variantName}/${id}`, line),
        signal,
      })
      void instance.ended.then(() => data.remove())
      const terminate = async (graceMs: number) => {
        await instance.terminate(graceMs)
        await data.remove()
      }
      return { ...instance, instanceType, terminate }
    } catch (error) {
      const again = error instanceof StartError && error.kind === 'exited' && start < MAX_STARTS
      if (again && performance.now() < deadline) continue
      await data.remove()
      if (!(error instanceof StartError)) throw error
      const reason = error.kind === 'command' ? FAILURES.start(variantName) : FAILURES.ping(variantName)
      throw new LaunchError(reason, { cause: error })
    }
  }
}

/** The text a fault was set with, where it was. */
export function reasonOf(fault: JsonObject): string | undefined {
  return typeof fault.reason === 'string' ? fault.reason : undefined
}

/** The reference of a model's image by digest, in the form in which DescribeEndpoint shows it. */
export function withDigest(model: Model): string {
  const registry = model.specifiedImage.slice(0, model.specifiedImage.indexOf('/'))
  return `${registry}/${model.image.repository}@${model.image.digest}`
}
