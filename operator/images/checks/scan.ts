import type { ScanFindings, Severity } from '../source.ts'
import { type Check, defect, notApplicable, notYet, pass } from './finding.ts'
import { shown } from './text.ts'

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html; the others are not done yet, or never will be. */
const DONE = ['COMPLETE', 'ACTIVE']
const UNDER_WAY = ['IN_PROGRESS', 'PENDING']

/** The registry's own scan found no more than is allowed. */
export const scan: Check<'scan'> = {
  async find({ policy, maxCritical, maxHigh, maxMedium }, { digest }, { source, signal }) {
    const findings = await source.scanFindings(digest, signal)
    const unscanned = unscannedReason(findings)
    // Who enforces it wants to know before the image is used; who does not is told that nobody looked.
    if (unscanned) return policy === 'Enforce' ? notYet(unscanned) : notApplicable(unscanned)
    const limits: [Severity, number | undefined][] = [
      ['CRITICAL', maxCritical],
      ['HIGH', maxHigh],
      ['MEDIUM', maxMedium],
    ]
    const over = limits.flatMap(([severity, most]) => {
      const count = findings?.counts[severity] ?? 0
      return most !== undefined && count > most ? [`${count} of severity ${severity} (at most ${most})`] : []
    })
    if (over.length > 0)
      return defect(
        `The registry's scan found vulnerabilities: ${over.join(', ')}. Update the packages and the base image, and build again.`,
      )
    return pass("The registry's scan found no more than is allowed.")
  },
}

function unscannedReason(findings: ScanFindings | undefined): string | undefined {
  if (!findings) return 'The registry has no scan of this image: turn on scanning on push, or set policy: Ignore.'
  if (DONE.includes(findings.status)) return undefined
  if (UNDER_WAY.includes(findings.status)) return "The registry's scan is under way."
  return `The registry's scan has no result (${shown(findings.status, 40)}): start it again, or set policy: Ignore where it cannot scan such an image.`
}
