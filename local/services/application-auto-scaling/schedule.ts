import { cron } from './cron.ts'
import { timeZone } from './local-time.ts'

/** When a scheduled action runs. Milliseconds since the epoch throughout. */
export type Schedule = {
  /** The first run after an instant; undefined where there is none. */
  next(after: number): number | undefined
}

export type ScheduleInput = {
  /** `at(yyyy-mm-ddThh:mm:ss)`, `rate(value unit)` or `cron(fields)`. */
  expression: string
  timezone: string | undefined
  /** A rate counts from here where it has no start. */
  created: number
  start: number | undefined
  end: number | undefined
}

const UNITS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** @throws RangeError, saying what is wrong with the expression or its time zone */
export function scheduleOf({ expression, timezone, created, start, end }: ScheduleInput): Schedule {
  const [, kind, argument = ''] = /^(at|rate|cron)\((.+)\)$/.exec(expression) ?? []
  const runs =
    kind === 'at'
      ? once(argument, timezone)
      : kind === 'rate'
        ? regularly(argument, created, start)
        : kind === 'cron'
          ? cron(argument, timeZone(timezone ?? 'UTC'))
          : undefined
  if (!runs) throw new RangeError('a schedule is at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields)')
  return {
    next(after) {
      const next = runs.next(start === undefined ? after : Math.max(after, start - 1))
      return next !== undefined && (end === undefined || next <= end) ? next : undefined
    },
  }
}

function once(text: string, timezone: string | undefined): Schedule {
  const [, local] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)$/.exec(text) ?? []
  const parsed = local === undefined ? Number.NaN : Date.parse(`${local}Z`)
  if (Number.isNaN(parsed)) throw new RangeError(`at(${text}) is not of the form at(yyyy-mm-ddThh:mm:ss)`)
  const instant = timeZone(timezone ?? 'UTC').instantOf(parsed)
  if (instant === undefined) throw new RangeError(`there is no ${text} in ${timezone}: its clocks are put forward then`)
  return { next: (after) => (instant > after ? instant : undefined) }
}

function regularly(text: string, created: number, start: number | undefined): Schedule {
  const [, value = '0', unit = ''] = /^(\d{1,6}) (minute|hour|day)s?$/.exec(text) ?? []
  const period = Number(value) * (UNITS[unit] ?? 0)
  if (period === 0) throw new RangeError(`rate(${text}) is not of the form rate(value minutes|hours|days)`)
  const first = start ?? created + period
  return { next: (after) => (after < first ? first : first + (Math.floor((after - first) / period) + 1) * period) }
}
