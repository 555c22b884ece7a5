import type { FileIndex } from '../../images/checks/finding.ts'
import { blocked, runChecks, undecided } from '../../images/checks/run.ts'
import type { Judges } from './judge.ts'

/** The checks of spec.checks, on what the registry says. */
export function imageChecker(files: FileIndex): Judges['check'] {
  return async ({ spec, now, signal }, source, facts) => {
    const { instanceTypes = [], inferenceAmiVersion } = spec.target ?? {}
    const target = { instanceTypes, ...(inferenceAmiVersion === undefined ? {} : { inferenceAmiVersion }) }
    const results = await runChecks(spec.checks, facts, { source, files, target, now, signal })
    return { results, blocked: blocked(results), undecided: undecided(results) }
  }
}
