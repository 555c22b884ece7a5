import type { TimeZone } from './local-time.ts'

/**
 * AWS's cron expressions: `Minutes Hours Day_of_Month Month Day_of_Week Year`, with lists, ranges, steps and names, and with `?`, `L`,
 * `W` and `#` for days (EventBridge user guide, "Cron expressions reference"). Weekdays are 1 to 7 from Sunday; years 1970 to 2199.
 */
export type Cron = {
  /** The first run after an instant, in milliseconds since the epoch; undefined where there is none. */
  next(after: number): number | undefined
}

/** Whether a day of a month is meant. */
type Days = (day: number, month: { year: number; month: number }) => boolean

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const FIRST_YEAR = 1970
const LAST_YEAR = 2199

/** @throws RangeError, saying which field is wrong */
export function cron(expression: string, zone: TimeZone): Cron {
  const fields = expression.trim().split(/\s+/)
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = ''] = fields
  if (fields.length !== 6) throw new RangeError(`a cron expression has 6 fields, not ${fields.length}`)
  if ((dayOfMonth === '?') === (dayOfWeek === '?'))
    throw new RangeError('exactly one of Day_of_Month and Day_of_Week must be ?')

  const minutes = numbers('Minutes', minute, 0, 59)
  const hours = numbers('Hours', hour, 0, 23)
  const months = numbers('Month', month, 1, 12, MONTHS)
  const years = numbers('Year', year, FIRST_YEAR, LAST_YEAR)
  const days = dayOfWeek === '?' ? daysOfMonth(dayOfMonth) : daysOfWeek(dayOfWeek)

  /** Local days that fit, from a date on. */
  function* dates(from: { year: number; month: number; day: number }) {
    for (const y of years.filter((each) => each >= from.year)) {
      for (const m of months.filter((each) => y > from.year || each >= from.month)) {
        const first = y === from.year && m === from.month ? from.day : 1
        for (let d = first; d <= lengthOf({ year: y, month: m }); d++) {
          if (days(d, { year: y, month: m })) yield Date.UTC(y, m - 1, d)
        }
      }
    }
  }
  return {
    next(after) {
      for (const date of dates(zone.dateAt(after))) {
        for (const h of hours) {
          for (const m of minutes) {
            const instant = zone.instantOf(date + (h * 60 + m) * 60_000)
            if (instant !== undefined && instant > after) return instant
          }
        }
      }
      return undefined
    },
  }
}

/** The numbers that a field names, in order. */
function numbers(field: string, text: string, min: number, max: number, names: readonly string[] = []): number[] {
  const wrong = () => new RangeError(`${field} cannot be ${text}: numbers from ${min} to ${max} and , - * / are valid`)
  const value = (part: string): number => {
    const named = names.indexOf(part.toUpperCase())
    if (named >= 0) return named + min
    const number = /^\d{1,4}$/.test(part) ? Number(part) : Number.NaN
    if (!(number >= min && number <= max)) throw wrong()
    return number
  }
  const found = new Set<number>()
  for (const item of text.split(',')) {
    const [range = '', step, ...rest] = item.split('/')
    const [from = '', to, ...more] = range.split('-')
    if (rest.length > 0 || more.length > 0) throw wrong()
    const every = step === undefined ? 1 : /^[1-9]\d{0,3}$/.test(step) ? Number(step) : 0
    if (every === 0) throw wrong()
    const first = range === '*' ? min : value(from)
    const last = range === '*' || (to === undefined && step !== undefined) ? max : value(to ?? from)
    if (first > last) throw wrong()
    for (let each = first; each <= last; each += every) found.add(each)
  }
  return [...found].sort((a, b) => a - b)
}

function daysOfMonth(text: string): Days {
  if (text === 'L') return (day, month) => day === lengthOf(month)
  if (text === 'LW') return (day, month) => day === weekdayNear(lengthOf(month), month)
  const nearest = /^(\d{1,2})W$/.exec(text)?.[1]
  if (nearest !== undefined) {
    const [wanted = 0] = numbers('Day_of_Month', nearest, 1, 31)
    return (day, month) => wanted <= lengthOf(month) && day === weekdayNear(wanted, month)
  }
  const wanted = new Set(numbers('Day_of_Month', text, 1, 31))
  return (day) => wanted.has(day)
}

function daysOfWeek(text: string): Days {
  const one = (part: string) => numbers('Day_of_Week', part, 1, 7, WEEKDAYS)[0] ?? 0
  const nth = /^([^#]+)#([1-5])$/.exec(text)
  if (nth) {
    const [weekday, week] = [one(nth[1] ?? ''), Number(nth[2])]
    return (day, month) => weekdayOf(day, month) === weekday && Math.ceil(day / 7) === week
  }
  const last = /^(.+)L$/.exec(text)?.[1]
  if (last !== undefined) {
    const weekday = one(last)
    return (day, month) => weekdayOf(day, month) === weekday && day + 7 > lengthOf(month)
  }
  // L alone is the last day of the week.
  const wanted = new Set(text === 'L' ? [7] : numbers('Day_of_Week', text, 1, 7, WEEKDAYS))
  return (day, month) => wanted.has(weekdayOf(day, month))
}

function lengthOf({ year, month }: { year: number; month: number }): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** 1 to 7 from Sunday. */
function weekdayOf(day: number, { year, month }: { year: number; month: number }): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1
}

/** The day from Monday to Friday that is nearest to `day` within the same month. */
function weekdayNear(day: number, month: { year: number; month: number }): number {
  const weekday = weekdayOf(day, month)
  if (weekday === 7) return day > 1 ? day - 1 : day + 2
  if (weekday === 1) return day < lengthOf(month) ? day + 1 : day - 2
  return day
}
