/** How a check went. Fail is worth the policy that was set for it; Skipped could not be told, and says why. */
export type Verdict = 'Pass' | 'Warn' | 'Fail' | 'Skipped'

export type CheckResult = {
  /** Of the check, as its block in spec.checks is called. */
  name: string
  verdict: Verdict
  /** What was found, and the remedy where it is not Pass; at most 300 characters. */
  message: string
}
