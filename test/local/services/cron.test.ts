import test from 'ava'
import fc from 'fast-check'
import { cron } from '../../../local/services/application-auto-scaling/cron.ts'
import { timeZone } from '../../../local/services/application-auto-scaling/local-time.ts'
import { scheduleOf } from '../../../local/services/application-auto-scaling/schedule.ts'

const at = (text: string) => Date.parse(text)
const shown = (instant: number | undefined) => (instant === undefined ? 'never' : new Date(instant).toISOString())

/** The next runs of an expression after an instant. */
function runs(expression: string, after: string, count: number, zone = 'UTC'): string[] {
  const schedule = cron(expression, timeZone(zone))
  const found: string[] = []
  for (let next: number | undefined = at(after); found.length < count; ) {
    next = schedule.next(next)
    found.push(shown(next).slice(0, 16))
    if (next === undefined) break
  }
  return found
}

test('a wrong expression is refused with the field that is wrong', (t) => {
  const refused = (expression: string, message: RegExp) =>
    t.throws(() => cron(expression, timeZone('UTC')), { instanceOf: RangeError, message }, expression)
  refused('0 8 * * MON', /has 6 fields, not 5/)
  refused('0 8 * * MON-FRI *', /exactly one of Day_of_Month and Day_of_Week must be \?/)
  refused('0 8 ? * ? *', /exactly one of/)
  refused('60 8 ? * MON *', /Minutes cannot be 60/)
  refused('0 24 ? * MON *', /Hours cannot be 24/)
  refused('0 8 0 * ? *', /Day_of_Month cannot be 0/)
  refused('0 8 32W * ? *', /Day_of_Month cannot be 32/)
  refused('0 8 ? 13 MON *', /Month cannot be 13/)
  refused('0 8 ? * 0 *', /Day_of_Week cannot be 0/)
  refused('0 8 ? * MUN *', /Day_of_Week cannot be MUN/)
  refused('0 8 ? * MON 1969', /Year cannot be 1969/)
  refused('0/0 8 ? * MON *', /Minutes/)
  refused('5-1 8 ? * MON *', /Minutes/)
  refused('1,,2 8 ? * MON *', /Minutes/)
  refused('1/2/3 8 ? * MON *', /Minutes/)
  refused('-1 8 ? * MON *', /Minutes/)
  refused('0 8 ? * 3#6 *', /Day_of_Week/)
  refused('0 8 L-3 * ? *', /Day_of_Month/)
})

test('lists, ranges, steps and names', (t) => {
  t.deepEqual(runs('30 6 ? * MON *', '2026-01-01T00:00Z', 2), ['2026-01-05T06:30', '2026-01-12T06:30'])
  t.deepEqual(runs('0/20 8,18 * * ? *', '2026-01-01T08:20Z', 4), [
    '2026-01-01T08:40',
    '2026-01-01T18:00',
    '2026-01-01T18:20',
    '2026-01-01T18:40',
  ])
  t.deepEqual(runs('10-30/10 0 1 jan,JUL ? *', '2026-01-01T00:10Z', 3), [
    '2026-01-01T00:20',
    '2026-01-01T00:30',
    '2026-07-01T00:10',
  ])
  t.deepEqual(runs('0 18 ? * 6 *', '2026-01-02T18:00Z', 1), ['2026-01-09T18:00'])
  t.deepEqual(runs('0 20 ? * MON-FRI *', '2026-01-02T20:00Z', 1), ['2026-01-05T20:00'])
})

test('days that a month has or has not', (t) => {
  t.deepEqual(runs('0 0 31 * ? *', '2026-01-31T00:00Z', 2), ['2026-03-31T00:00', '2026-05-31T00:00'])
  t.deepEqual(runs('0 0 29 2 ? *', '2097-01-01T00:00Z', 1), ['2104-02-29T00:00'])
  t.deepEqual(runs('0 0 30 2 ? *', '2026-01-01T00:00Z', 1), ['never'])
  t.deepEqual(runs('0 0 L * ? *', '2028-02-01T00:00Z', 2), ['2028-02-29T00:00', '2028-03-31T00:00'])
  // 15 February 2026 is a Sunday, 1 August a Saturday, 31 May a Sunday.
  t.deepEqual(runs('0 0 15W * ? *', '2026-02-01T00:00Z', 1), ['2026-02-16T00:00'])
  t.deepEqual(runs('0 0 1W 8 ? *', '2026-02-01T00:00Z', 1), ['2026-08-03T00:00'])
  t.deepEqual(runs('0 0 31W 5 ? *', '2026-02-01T00:00Z', 1), ['2026-05-29T00:00'])
  t.deepEqual(runs('0 0 LW 5 ? *', '2026-02-01T00:00Z', 1), ['2026-05-29T00:00'])
  t.deepEqual(runs('0 0 ? * 3#5 *', '2026-01-01T00:00Z', 2), ['2026-03-31T00:00', '2026-06-30T00:00'])
  t.deepEqual(runs('0 0 ? * FRIL *', '2026-01-01T00:00Z', 2), ['2026-01-30T00:00', '2026-02-27T00:00'])
  t.deepEqual(runs('0 0 ? * L *', '2026-01-01T00:00Z', 1), ['2026-01-03T00:00'])
})

test('a year that is over never comes again, and one to come is waited for', (t) => {
  t.deepEqual(runs('0 0 1 1 ? 2025', '2026-01-01T00:00Z', 1), ['never'])
  t.deepEqual(runs('0 0 1 1 ? 2030-2032/2', '2026-01-01T00:00Z', 3), ['2030-01-01T00:00', '2032-01-01T00:00', 'never'])
})

test('local time follows the time zone through the year; what a clock leaves out is skipped, what it repeats runs once', (t) => {
  t.deepEqual(runs('0 8 * * ? *', '2026-03-28T00:00Z', 3, 'Europe/Berlin'), [
    '2026-03-28T07:00',
    '2026-03-29T06:00',
    '2026-03-30T06:00',
  ])
  t.deepEqual(runs('30 2 * * ? *', '2026-03-28T12:00Z', 1, 'Europe/Berlin'), ['2026-03-30T00:30'])
  t.deepEqual(runs('30 2 * * ? *', '2026-10-24T12:00Z', 2, 'Europe/Berlin'), ['2026-10-25T00:30', '2026-10-26T01:30'])
  t.deepEqual(runs('0 0 1 1 ? *', '2026-06-01T00:00Z', 1, 'Pacific/Kiritimati'), ['2026-12-31T10:00'])
  t.throws(() => timeZone('Mars/Olympus'), { instanceOf: RangeError })
})

test('whatever the expression, the next run is the first minute that fits', (t) => {
  const some = (min: number, max: number) =>
    fc.oneof(
      fc.constant({ text: '*', fits: () => true }),
      fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 }).map((values) => ({
        text: values.join(','),
        fits: (value: number) => values.includes(value),
      })),
      fc.record({ from: fc.integer({ min, max }), step: fc.integer({ min: 1, max: 30 }) }).map(({ from, step }) => ({
        text: `${from}/${step}`,
        fits: (value: number) => value >= from && (value - from) % step === 0,
      })),
    )
  const start = fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2029-01-01T00:00Z') })
  const zone = timeZone('UTC')
  fc.assert(
    fc.property(some(0, 59), some(0, 23), some(1, 7), start, (minute, hour, weekday, after) => {
      const next = cron(`${minute.text} ${hour.text} ? * ${weekday.text} *`, zone).next(after)
      for (let instant = (Math.floor(after / 60_000) + 1) * 60_000; ; instant += 60_000) {
        const date = new Date(instant)
        if (!minute.fits(date.getUTCMinutes()) || !hour.fits(date.getUTCHours()) || !weekday.fits(date.getUTCDay() + 1))
          continue
        return next === instant
      }
    }),
    { numRuns: 200 },
  )
  t.pass()
})

test('a rate counts from its start time, else from the creation, whatever the instant it is asked at', (t) => {
  const created = at('2026-01-01T00:00Z')
  const rate = (expression: string, start?: number, end?: number) =>
    scheduleOf({ expression, timezone: undefined, created, start, end })
  t.is(shown(rate('rate(90 minutes)').next(created)), '2026-01-01T01:30:00.000Z')
  t.is(shown(rate('rate(90 minutes)').next(at('2026-01-01T01:30Z'))), '2026-01-01T03:00:00.000Z')
  t.is(shown(rate('rate(1 day)', at('2026-01-02T10:00Z')).next(created)), '2026-01-02T10:00:00.000Z')
  t.is(shown(rate('rate(1 hour)', undefined, at('2026-01-01T01:30Z')).next(at('2026-01-01T01:00Z'))), 'never')
  for (const wrong of ['rate(0 minutes)', 'rate(-1 hours)', 'rate(1 week)', 'rate(1)', 'every day', 'rate(1 hour) '])
    t.throws(() => rate(wrong), { instanceOf: RangeError }, wrong)
})

test('a time of its own is one instant of its time zone', (t) => {
  const once = (expression: string, timezone?: string) =>
    scheduleOf({ expression, timezone, created: 0, start: undefined, end: undefined })
  t.is(shown(once('at(2026-07-01T08:00:00)', 'America/New_York').next(0)), '2026-07-01T12:00:00.000Z')
  t.is(once('at(2026-07-01T08:00:00)').next(at('2026-07-01T08:00Z')), undefined)
  t.throws(() => once('at(2026-03-29T02:30:00)', 'Europe/Berlin'), { message: /put forward/ })
  t.throws(() => once('at(2026-13-01T00:00:00)'), { instanceOf: RangeError })
  t.throws(() => once('at(tomorrow)'), { instanceOf: RangeError })
})
