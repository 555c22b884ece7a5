import type { CheckName, ImageChecks } from '../../api/image-checks.ts'
import type { ImageFacts } from '../facts.ts'
import type { FoundPaths, WantedPaths } from '../layers/files.ts'
import type { ImageSource } from '../source.ts'

export type { FileIndex } from '../layers/files.ts'

/**
 * What a check found. A defect is worth the policy: Fail or Warn. A doubt is Warn under either: the image may well work. Where nothing
 * could be told, `pending` says that asking again may tell.
 */
export type Finding =
  | { kind: 'pass' | 'defect' | 'doubt'; message: string }
  | { kind: 'unknown'; message: string; pending: boolean }

export const pass = (message: string): Finding => ({ kind: 'pass', message })
export const defect = (message: string): Finding => ({ kind: 'defect', message })
export const doubt = (message: string): Finding => ({ kind: 'doubt', message })
/** There is nothing that the check could be held against. */
export const notApplicable = (message: string): Finding => ({ kind: 'unknown', message, pending: false })
/** The answer is not there yet. */
export const notYet = (message: string): Finding => ({ kind: 'unknown', message, pending: true })

/** What the image is to run on. */
export type Target = { instanceTypes: string[]; inferenceAmiVersion?: string }

export type CheckContext = {
  source: ImageSource
  target: Target
  now: Date
  signal: AbortSignal
  /** Which of the paths that all checks have asked for are there. The layers are read once, when the first check asks. */
  paths(): Promise<FoundPaths>
}

/** One check, of the facts against its block in spec.checks. */
export type Check<Name extends CheckName = CheckName> = {
  /** Undefined where there is nothing to check, because nothing is asked for. @throws as the source does */
  find(
    spec: ImageChecks[Name],
    facts: ImageFacts,
    context: CheckContext,
  ): Finding | undefined | Promise<Finding | undefined>
  /** Paths that it will ask for. */
  paths?(spec: ImageChecks[Name], facts: ImageFacts): Partial<WantedPaths>
}
