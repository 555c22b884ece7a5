import type { CheckResult } from '../../images/checks.ts'
import { short } from '../../images/digest.ts'
import type { ImageFacts } from '../../images/facts.ts'
import type { ImageSource } from '../../images/source.ts'
import { type ImagePass, type Judgement, type Passed, pinned } from './pass.ts'

export type Judges = {
  check(pass: ImagePass, source: ImageSource, facts: ImageFacts): Promise<Checked>
  /** Undefined where the spec asks for none. */
  contractTest?(pass: ImagePass, facts: ImageFacts): Promise<Judgement | undefined>
  /** How soon to ask again for what could not be told, in milliseconds. */
  againMs: number
}

export type Checked = {
  results: CheckResult[]
  /** Those that keep the image from being used. */
  blocked: CheckResult[]
  /** Those that would, but could not be told yet. */
  undecided: CheckResult[]
}

/**
 * Runs the checks, and where they pass the contract test. Writes how each went into status.
 * @param passed that the checks passed already, before the contract test began that is under way
 */
export async function judge(
  pass: ImagePass,
  source: ImageSource,
  facts: ImageFacts,
  judges: Judges,
  passed?: Passed,
): Promise<Judgement> {
  const { memory, generation, now } = pass
  const checked = passed ?? (await checkAll(pass, source, facts, judges))
  const tested = checked.state === 'passed' ? await judges.contractTest?.(pass, facts) : undefined
  const judgement = tested && tested.state !== 'passed' ? tested : checked
  if (judgement.state === 'testing' && checked.state === 'passed')
    memory.checked = { root: facts.indexDigest ?? facts.digest, generation, facts, passed: checked }
  if (judgement.state === 'passed' || judgement.state === 'rejected')
    memory.judged = { image: pinned(facts), generation, at: now.getTime() }
  return judgement
}

async function checkAll(pass: ImagePass, source: ImageSource, facts: ImageFacts, judges: Judges): Promise<Judgement> {
  const { results, blocked, undecided } = await judges.check(pass, source, facts)
  pass.status.checks = results.map(({ name, verdict, policy, message }) => ({ name, verdict, policy, message }))
  pass.status.checkedDigest = short(facts.digest)
  if (blocked.length > 0) return { state: 'rejected', reason: 'ChecksFailed', message: summary(blocked) }
  if (undecided.length > 0)
    return { state: 'checking', reason: 'ChecksPending', message: summary(undecided), after: judges.againMs }
  const warnings = results.filter(({ verdict }) => verdict === 'Warn')
  return { state: 'passed', message: warnings.length > 0 ? `With warnings: ${summary(warnings)}` : '' }
}

/** The first, and how many more; status.checks has them all. */
function summary([first, ...more]: CheckResult[]): string {
  if (!first) return ''
  return `${first.name}: ${first.message}${more.length > 0 ? ` And ${more.length} more, in status.checks.` : ''}`
}
