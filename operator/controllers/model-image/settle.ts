import { IMAGE_ANNOTATIONS } from '../../api/names.ts'
import { short } from '../../images/digest.ts'
import type { ImageFacts } from '../../images/facts.ts'
import { noteOutcome } from './history.ts'
import { type ImagePass, type Judgement, pinned } from './pass.ts'
import { use } from './use.ts'

/**
 * Draws the consequence of a judgement: an image that passed comes into use, unless somebody is to approve it; one that did not leaves the
 * one in use where it is.
 */
export function settle(pass: ImagePass, facts: ImageFacts, judgement: Judgement): void {
  if (pinned(facts) !== pass.status.image) {
    settleCandidate(pass, facts, judgement)
    return
  }
  delete pass.status.candidate
  noteOutcome(pass.status, facts.digest, 'InUse')
  settleInUse(pass, judgement)
  if (pass.spec.update === 'Manual') pass.conditions.set('UpdateAvailable', 'False', 'UpToDate', '')
}

/** The consequence for the image in use, of which endpoints run. */
export function settleInUse(pass: ImagePass, judgement: Judgement): void {
  const { status, conditions, generation, spec, emit } = pass
  if (judgement.state === 'passed') {
    status.verifiedGeneration = generation
    status.reference = spec.image
    conditions.true_('Verified', 'ChecksPassed', judgement.message)
    return
  }
  if (judgement.state === 'rejected') {
    delete status.verifiedGeneration
    const message = `${judgement.message} Endpoints that run it go on; no other starts with it.`
    if (conditions.false_('Verified', judgement.reason, message)) emit('Warning', 'ImageRejected', message)
    return
  }
  // What was verified for this spec stays so while a registry has a bad moment.
  if (status.verifiedGeneration !== generation) conditions.unknown('Verified', judgement.reason, judgement.message)
}

function settleCandidate(pass: ImagePass, facts: ImageFacts, judgement: Judgement): void {
  const { status, conditions } = pass
  const manual = awaits(pass)
  if (judgement.state === 'passed' && (!manual || approved(pass, facts.digest))) {
    noteOutcome(status, facts.digest, 'InUse')
    use(pass, facts)
    conditions.true_('Verified', 'ChecksPassed', judgement.message)
    if (pass.spec.update === 'Manual') conditions.set('UpdateAvailable', 'False', 'UpToDate', '')
    return
  }
  const candidate = {
    image: pinned(facts),
    digest: facts.digest,
    shortDigest: short(facts.digest),
    ...(facts.indexDigest === undefined ? {} : { indexDigest: facts.indexDigest }),
    ...(facts.tag === undefined ? {} : { tag: facts.tag }),
  }
  const stays = status.image ? ` Endpoints stay on ${status.shortDigest}.` : ''
  switch (judgement.state) {
    case 'passed': {
      status.candidate = { ...candidate, state: 'AwaitingApproval' }
      const message = `${candidate.shortDigest} passed its checks: set the annotation ${IMAGE_ANNOTATIONS.approve} to ${candidate.shortDigest} to use it.`
      if (conditions.set('UpdateAvailable', 'True', 'AwaitingApproval', message))
        pass.emit('Normal', 'AwaitingApproval', message)
      return
    }
    case 'rejected': {
      status.candidate = { ...candidate, state: 'Rejected' }
      noteOutcome(status, facts.digest, 'Rejected')
      const message = `${candidate.shortDigest} is not used.${stays} ${judgement.message}`
      const news = manual
        ? conditions.set('UpdateAvailable', 'False', 'CandidateRejected', message)
        : conditions.false_('Verified', judgement.reason, message)
      if (news) pass.emit('Warning', 'ImageRejected', message)
      return
    }
    default: {
      status.candidate = { ...candidate, state: judgement.state === 'testing' ? 'Testing' : 'Checking' }
      const message = `${candidate.shortDigest} is not used yet.${stays} ${judgement.message}`
      if (manual) conditions.set('UpdateAvailable', 'Unknown', judgement.reason, message)
      else conditions.unknown('Verified', judgement.reason, message)
    }
  }
}

/** Whether what has moved behind the reference waits for somebody. Who edits the reference itself has said what is wanted. */
export function awaits({ spec, status }: Pick<ImagePass, 'spec' | 'status'>): boolean {
  return spec.update === 'Manual' && status.image !== undefined && status.reference === spec.image
}

/** Whether somebody approved that digest. */
export function approved({ object }: ImagePass, digest: string): boolean {
  const value = object.metadata.annotations?.[IMAGE_ANNOTATIONS.approve]
  return value !== undefined && [digest, short(digest)].includes(value.trim())
}
