import type { CheckName, ImageChecks } from '../../api/image-checks.ts'
import type { CheckResult } from '../checks.ts'
import { ImageError, RegistryUnavailable } from '../errors.ts'
import type { ImageFacts } from '../facts.ts'
import type { FileIndex, FoundPaths, WantedPaths } from '../layers/files.ts'
import type { ImageSource } from '../source.ts'
import { CHECKS } from './all.ts'
import { type Check, type CheckContext, defect, type Finding, notYet, type Target } from './finding.ts'
import { PatternProblem } from './patterns.ts'
import { cut, MAX_MESSAGE } from './text.ts'

export type RunContext = { source: ImageSource; files: FileIndex; target: Target; now: Date; signal: AbortSignal }

/**
 * Runs the checks of an image: one result each, in their order. A check with policy Ignore, or has nothing to check, has none. Layers, scan and
 * signatures are asked for only where a check needs them.
 * @throws when it is aborted, and for our own mistakes; what a registry does wrong is in the results
 */
export async function runChecks(spec: ImageChecks, facts: ImageFacts, context: RunContext): Promise<CheckResult[]> {
  const names = (Object.keys(CHECKS) as CheckName[]).filter((name) => spec[name].policy !== 'Ignore')
  const { source, target, now, signal } = context
  let reading: Promise<FoundPaths> | undefined
  const paths = () => {
    reading ??= context.files.find(source, facts.layers, wantedPaths(names, spec, facts), signal)
    return reading
  }
  const results: CheckResult[] = []
  for (const name of names) {
    const finding = await find(name, spec, facts, { source, target, now, signal, paths })
    if (finding) results.push(result(name, spec[name].policy === 'Enforce' ? 'Enforce' : 'Warn', finding))
  }
  return results
}

/** Those that keep the image from being used. */
export function blocked(results: readonly CheckResult[]): CheckResult[] {
  return results.filter(({ verdict }) => verdict === 'Fail')
}

/** Enforced checks that could not be told for a reason that may pass: until they are, the image is neither good nor bad. */
export function undecided(results: readonly CheckResult[]): CheckResult[] {
  return results.filter(({ policy, pending }) => policy === 'Enforce' && pending === true)
}

function wantedPaths(names: readonly CheckName[], spec: ImageChecks, facts: ImageFacts): WantedPaths {
  const wanted = names.map((name) => checkOf(name).paths?.(spec[name], facts) ?? {})
  const all = (kind: keyof WantedPaths) => [...new Set(wanted.flatMap((one) => one[kind] ?? []))]
  return { required: all('required'), forbidden: all('forbidden') }
}

async function find(
  name: CheckName,
  spec: ImageChecks,
  facts: ImageFacts,
  context: CheckContext,
): Promise<Finding | undefined> {
  try {
    return await checkOf(name).find(spec[name], facts, context)
  } catch (error) {
    context.signal.throwIfAborted()
    // Says nothing of the image: an outage ends, and a refusal is mended elsewhere.
    if (error instanceof RegistryUnavailable || (error instanceof ImageError && error.reason === 'RegistryDenied'))
      return notYet(error.message)
    // Whoever asks again gets the same answer.
    if (error instanceof ImageError || error instanceof PatternProblem) return defect(error.message)
    const cause = causeOf(error)
    if (cause === undefined) throw error
    return notYet(`The registry could not be asked (${cause}): Mooring asks again by itself.`)
  }
}

/** A check goes with the block of its own name, which TypeScript cannot see of a name that is a variable. */
function checkOf(name: CheckName): Check {
  return CHECKS[name] as unknown as Check
}

function result(name: CheckName, policy: 'Enforce' | 'Warn', finding: Finding): CheckResult {
  const message = cut(finding.message, MAX_MESSAGE)
  switch (finding.kind) {
    case 'pass':
      return { name, verdict: 'Pass', policy, message }
    case 'doubt':
      return { name, verdict: 'Warn', policy, message }
    case 'defect':
      return { name, verdict: policy === 'Enforce' ? 'Fail' : 'Warn', policy, message }
    case 'unknown':
      return { name, verdict: 'Skipped', policy, message, ...(finding.pending ? { pending: true } : {}) }
  }
}

/** A word for what went wrong between us and the registry, the same each time; undefined for a mistake of our own. */
function causeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { cause, code, name } = error as Error & { code?: unknown }
  // fetch throws a TypeError and says why in its cause.
  if (cause instanceof Error && 'code' in cause) return word(cause.code)
  if (code !== undefined) return word(code)
  if (cause === undefined && ['TypeError', 'ReferenceError', 'SyntaxError', 'RangeError'].includes(name))
    return undefined
  return word(name)
}

function word(text: unknown): string {
  return String(text)
    .replace(/[^A-Za-z0-9_]/g, '')
    .slice(0, 60)
}
