import { type Check, defect, notApplicable, pass } from './finding.ts'

const DAY_MS = 86_400_000
/** Reproducible builds set a date long ago: the epoch, or the first day that ZIP files know. */
const FIRST_IMAGE = Date.parse('2013-03-01T00:00:00Z')

/** The image is not older than its base image's patches may be. */
export const age: Check<'age'> = {
  find({ maxDays }, { config, pushedAt }, { now }) {
    if (maxDays === undefined) return undefined
    const built = Date.parse(config.createdAt ?? '')
    const since = built >= FIRST_IMAGE ? built : pushedAt?.getTime()
    if (since === undefined)
      return notApplicable('Neither the image nor the registry tells a date: set SOURCE_DATE_EPOCH in the build.')
    // No number of days: the message would change with each of them.
    if (now.getTime() - since <= maxDays * DAY_MS) return pass(`The image is not older than ${maxDays} days.`)
    return defect(
      `The image is older than ${maxDays} days: build it again upon a current base image, and push it, so that fixes get in.`,
    )
  },
}
