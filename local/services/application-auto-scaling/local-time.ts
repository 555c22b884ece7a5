/** Local times of a time zone, and the instants that they are. Milliseconds since the epoch throughout. */
export type TimeZone = {
  /** The calendar date at an instant. */
  dateAt(instant: number): { year: number; month: number; day: number }
  /**
   * The instant of a local time, given as if it were UTC. Where a clock is put back the first of the two; undefined for a time that
   * a clock put forward leaves out.
   */
  instantOf(local: number): number | undefined
}

const DAY_MS = 86_400_000

/** @throws RangeError for a name that the IANA database does not have */
export function timeZone(name: string): TimeZone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const localAt = (instant: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second)
  }
  const offsetAt = (instant: number) => localAt(instant) - Math.floor(instant / 1000) * 1000

  return {
    dateAt(instant) {
      const local = new Date(localAt(instant))
      return { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() }
    },
    instantOf(local) {
      // No zone changes its offset twice within two days, so one of these two is right; the larger offset is the earlier instant.
      const offsets = [offsetAt(local - DAY_MS), offsetAt(local + DAY_MS)].sort((a, b) => b - a)
      return offsets.map((offset) => local - offset).find((instant) => localAt(instant) === local)
    },
  }
}
