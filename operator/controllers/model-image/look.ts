import { architectureOf } from '../../api/instance-types.ts'
import { IMAGE_ANNOTATIONS } from '../../api/names.ts'
import { ImageError, RegistryUnavailable } from '../../images/errors.ts'
import type { ImageFacts, Platform } from '../../images/facts.ts'
import { inspect, inspectFound } from '../../images/inspect.ts'
import { explainError } from '../../providers/errors.ts'
import type { Explanation } from '../../providers/failure-reasons.ts'
import { type Found, find, type Sources } from './find.ts'
import { noteSeen } from './history.ts'
import { type Judges, judge } from './judge.ts'
import type { ImagePass } from './pass.ts'
import { approved, awaits, settle, settleInUse } from './settle.ts'

export type LookDependencies = Sources &
  Judges & {
    /** Between checks of what has not changed, in milliseconds: scans find new vulnerabilities, and images grow old. */
    verifyMs: number
  }

/**
 * One look behind the reference, and what follows from it. Answers how soon the next is worth making, in milliseconds.
 * @throws ImageError where there is no such image; errors of network and AWS, which may pass
 */
export async function look(pass: ImagePass, deps: LookDependencies): Promise<number> {
  const { status, conditions, spec, generation, memory, signal } = pass
  const found = await find(pass, deps)
  conditions.true_('Resolved', 'Pinned', '')
  if (isJudged(pass, found, deps.verifyMs)) return Number.POSITIVE_INFINITY
  const checked =
    memory.checked?.root === found.manifest.digest && memory.checked.generation === generation
      ? memory.checked
      : undefined
  delete memory.checked
  const facts = checked?.facts ?? (await inspectFound(found.source, found.manifest, found, platformOf(pass), signal))
  await noteSeen(pass, found.source, facts)
  const judgement = await judge(pass, found.source, facts, deps, checked?.passed)
  settle(pass, facts, judgement)
  memory.asked = askedOf(pass)
  if (spec.update !== 'Manual') conditions.clear('UpdateAvailable')
  // While another one waits to be approved, it is the one in use that must meet a changed spec.
  if (status.candidate && awaits(pass) && status.verifiedGeneration !== generation)
    settleInUse(pass, await judgeInUse(pass, found, deps))
  return 'after' in judgement ? judgement.after : Number.POSITIVE_INFINITY
}

async function judgeInUse(pass: ImagePass, { source }: Found, deps: LookDependencies) {
  const wanted = pass.status.digest === undefined ? {} : { digest: pass.status.digest }
  const facts: ImageFacts = await inspect(source, wanted, platformOf(pass), pass.signal)
  return judge(pass, source, facts, deps)
}

/** Whether what was found was judged before, for this spec, and not so long ago that it should be judged again. */
function isJudged(pass: ImagePass, { manifest, source }: Found, verifyMs: number): boolean {
  const { status, generation, memory, now, random, conditions } = pass
  const { candidate } = status
  const isFound = ({ image, indexDigest, digest }: Partial<Pick<typeof status, 'image' | 'indexDigest' | 'digest'>>) =>
    image?.split('@')[0] === source.repositoryUri && (indexDigest ?? digest) === manifest.digest
  const known = candidate ?? status
  if (!known.image || !isFound(known)) return false
  if (candidate && (!FINAL.includes(candidate.state) || approved(pass, candidate.digest))) return false
  const said = conditions.get(candidate && awaits(pass) ? 'UpdateAvailable' : 'Verified')
  if (said?.observedGeneration !== generation || said.reason === 'ChecksPending') return false
  if (memory.judged && memory.asked !== askedOf(pass)) return false
  // After a restart, spread over the interval: they must not all be checked at once.
  memory.judged ??= { image: known.image, generation, at: now.getTime() - verifyMs * random() }
  memory.asked = askedOf(pass)
  const { judged } = memory
  return judged.image === known.image && judged.generation === generation && now.getTime() - judged.at <= verifyMs
}

const FINAL: readonly string[] = ['Rejected', 'AwaitingApproval']

function askedOf({ object }: ImagePass): string | undefined {
  return object.metadata.annotations?.[IMAGE_ANNOTATIONS.resolve]
}

/** SageMaker runs linux; of what architecture, its instance types say. */
function platformOf({ spec }: ImagePass): Platform {
  const [first] = spec.target?.instanceTypes ?? []
  return { os: 'linux', architecture: first === undefined ? 'amd64' : architectureOf(first) }
}

function explain(error: unknown): Pick<Explanation, 'reason' | 'message' | 'permanent'> {
  if (error instanceof ImageError) return { reason: error.reason, message: error.message, permanent: true }
  if (error instanceof RegistryUnavailable)
    return { reason: 'RegistryUnavailable', message: error.message, permanent: false }
  return explainError(error)
}

/**
 * Says that there is no image behind the reference. The one in use stays in use: endpoints that run it are none the worse.
 * Answers whether that takes more than patience, and how long a registry asks to be left alone, in milliseconds.
 */
export function notResolved(
  pass: ImagePass,
  error: unknown,
): { permanent: boolean; retryAfterMs?: number | undefined } {
  const { status, conditions, emit, before, log } = pass
  const known = error instanceof ImageError
  const { reason, message, permanent } = explain(error)
  if (reason === 'RepositoryNotApproved') delete status.verifiedGeneration
  // A digest that was found stays good while the registry has a bad moment.
  if (known || !conditions.isTrue('Resolved')) conditions.false_('Resolved', reason, message)
  if (known && before.conditions?.find(({ type }) => type === 'Resolved')?.reason !== reason) {
    emit('Warning', reason, message)
    log.warn({ reason }, message)
  }
  return { permanent, ...(error instanceof RegistryUnavailable ? { retryAfterMs: error.retryAfterMs } : {}) }
}
