import type { CheckResult } from '../../images/checks.ts'
import type { ImageFacts } from '../../images/facts.ts'
import type { ImageSource } from '../../images/source.ts'
import { type ImagePass, type Judgement, pinned, short } from './pass.ts'

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

/** Runs the checks, and where they pass the contract test. Writes how each went into status. */
export async function judge(
  pass: ImagePass,
  source: ImageSource,
  facts: ImageFacts,
  judges: Judges,
): Promise<Judgement> {
  const { status, memory, generation, now } = pass
  const { results, blocked, undecided } = await judges.check(pass, source, facts)
  status.checks = results.map(({ name, verdict, policy, message }) => ({ name, verdict, policy, message }))
  status.checkedDigest = short(facts.digest)
  const judged = (judgement: Judgement): Judgement => {
    memory.judged = { image: pinned(facts), generation, at: now.getTime() }
    return judgement
  }
  if (blocked.length > 0) return judged({ state: 'rejected', reason: 'ChecksFailed', message: summary(blocked) })
  if (undecided.length > 0)
    return { state: 'checking', reason: 'ChecksPending', message: summary(undecided), after: judges.againMs }
  const tested = await judges.contractTest?.(pass, facts)
  if (tested && tested.state !== 'passed') return tested.state === 'rejected' ? judged(tested) : tested
  const warnings = results.filter(({ verdict }) => verdict === 'Warn')
  return judged({ state: 'passed', message: warnings.length > 0 ? `With warnings: ${summary(warnings)}` : '' })
}

/** The first, and how many more; status.checks has them all. */
function summary([first, ...more]: CheckResult[]): string {
  if (!first) return ''
  return `${first.name}: ${first.message}${more.length > 0 ? ` And ${more.length} more, in status.checks.` : ''}`
}
