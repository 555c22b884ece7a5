import type { CheckName } from '../api/image-checks.ts'

/** How a check went. Fail keeps the image from being used; Skipped could not be told, and says why. */
export type Verdict = 'Pass' | 'Warn' | 'Fail' | 'Skipped'

export type CheckResult = {
  /** Of the check, as its block in spec.checks is called. */
  name: CheckName
  verdict: Verdict
  /** What was asked for. A check with policy Ignore has no result. */
  policy: 'Enforce' | 'Warn'
  /** What was found, and the remedy where it is not Pass; at most 300 characters. */
  message: string
  /** Skipped for a reason that may pass by itself, such as a registry that does not answer: worth asking again. */
  pending?: true
}
