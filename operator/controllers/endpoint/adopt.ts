import { VARIANT } from './desired.ts'
import { scalableVariant } from './desired-autoscaling.ts'
import { adopted } from './events.ts'
import { failing, type Halt, type PinnedPass, waiting } from './pass.ts'

/**
 * Takes over the endpoint that spec.adopt names, once: it gets our tags, and its scaling gives way to ours. Everything else, such as
 * the move to our configuration, is what an update does anyway. Undefined when it is ours.
 */
export async function adopt(pass: PinnedPass): Promise<Halt | undefined> {
  const { spec, status, desired, intervals, providers, owner, signal, log } = pass
  if (spec.adopt === undefined || status.adopted) return undefined
  const { endpointName } = desired
  const refuse = (reason: 'AdoptionTargetMissing' | 'AdoptionRefused' | 'NameTaken', message: string) => {
    status.phase = 'Failed'
    return failing(pass, 'EndpointInService', reason, message, intervals.settled)
  }

  const seen = await providers.endpoints.observe(endpointName, signal)
  if (!seen)
    return refuse(
      'AdoptionTargetMissing',
      `There is no endpoint ${endpointName} in ${spec.region}: correct spec.adopt, or make the object anew without it.`,
    )
  if (!seen.asynchronous && seen.status !== 'Creating')
    return refuse('AdoptionRefused', `Endpoint ${endpointName} is not asynchronous: adopt another one.`)
  if (seen.variants > 1)
    return refuse(
      'AdoptionRefused',
      `Endpoint ${endpointName} has ${seen.variants} variants: adopt one with a single variant.`,
    )
  if (seen.status === 'Deleting')
    return waiting(
      pass,
      'EndpointInService',
      'Deleting',
      `Endpoint ${endpointName} is being deleted.`,
      intervals.deleting,
    )

  const claimed = await providers.ownership.claim(seen.arn, owner, desired.tags, signal)
  if (typeof claimed === 'object')
    return refuse(
      'NameTaken',
      `Endpoint ${endpointName} belongs to ${claimed.owner}: delete that object with deletionPolicy Retain first, then this one adopts it.`,
    )
  // Policies of whoever ran it before would go on beside ours. The autoscaling step registers the target again.
  await providers.autoscaling.deregister(scalableVariant(endpointName, seen.variantName ?? VARIANT), signal)
  status.adopted = true
  status.endpointArn = seen.arn
  pass.emit(adopted(endpointName))
  log.info({ resource: endpointName, config: seen.configName }, 'adopted the endpoint')
  return undefined
}
