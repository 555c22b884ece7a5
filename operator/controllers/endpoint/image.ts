import { architectureOf } from '../../api/instance-types.ts'
import type { Reason } from '../../api/reasons.ts'
import { short } from '../../images/digest.ts'
import { parseReference } from '../../images/reference.ts'
import { instanceTypes } from './fallback.ts'
import { failing, type Outcome, type Pass, waiting } from './pass.ts'

/** Takes the digest that the ModelImage has pinned: the reference. A registry that is down later does not unpin it. */
export async function imageStep(pass: Pass): Promise<Outcome<{ image: string }>> {
  const { spec, status, conditions, intervals } = pass
  const { name } = spec.imageRef
  const image = pass.image(name)
  // A change of the ModelImage wakes this object; the interval is a safety net.
  if (!image) {
    const message = `There is no ModelImage ${name} in this namespace: apply it, or correct spec.imageRef.name.`
    return pending(pass, 'ImageMissing', message)
  }
  // What was verified for an earlier spec of the ModelImage says nothing of this one.
  const current = image.status?.verifiedGeneration === image.metadata.generation
  const pinned = current ? image.status?.image : undefined
  if (!pinned || image.metadata.deletionTimestamp) {
    const cause = image.status?.conditions?.find(({ type }) => type === 'Ready')?.message
    return pending(pass, 'ImageNotReady', `ModelImage ${name} has no verified digest yet. ${cause ?? ''}`.trim())
  }
  if (!parseReference(pinned)?.ecr) {
    const message = `SageMaker pulls from Amazon ECR, not from ${pinned.split('/')[0]}: push the image there and name it in ModelImage ${name}.`
    return failing(pass, 'ImageReady', 'RegistryNotSupported', message, intervals.settled)
  }
  const { os = 'linux', architecture } = image.status?.platform ?? {}
  for (const type of instanceTypes(spec.instance)) {
    const wanted = architectureOf(type)
    if (os === 'linux' && (architecture ?? wanted) === wanted) continue
    const message = `The image is for ${os}/${architecture}, but ${type} runs linux/${wanted}: build it with --platform linux/${wanted}, or choose another instance type.`
    return failing(pass, 'ImageReady', 'WrongPlatform', message, intervals.settled)
  }
  status.image = pinned
  status.shortDigest = short(pinned.split('@')[1] ?? '')
  conditions.true_('ImageReady', 'Pinned', '')
  return { kind: 'proceed', next: { image: pinned } }

  function pending(of: Pass, reason: Reason, message: string) {
    status.phase ??= 'Pending'
    return waiting(of, 'ImageReady', reason, message, intervals.settled)
  }
}
