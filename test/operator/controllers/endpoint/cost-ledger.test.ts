import test from 'ava'
import type { CostStatus } from '../../../../operator/api/cost.ts'
import { account, decimal, type Seen } from '../../../../operator/controllers/endpoint/cost-ledger.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const START = Date.parse('2026-11-20T00:00:00Z')
const PRICE = { usdPerHour: 1.408, source: 'BuiltIn' as const, asOf: '2026-09' }

/** One endpoint's account: looks at it at given times, and keeps what is due, as status does. */
function ledger(first: Partial<Seen> = {}) {
  let seen: Seen = {
    instances: 0,
    instanceType: 'ml.g5.xlarge',
    price: PRICE,
    alwaysOn: 1,
    since: new Date(START),
    now: new Date(START),
    ...first,
  }
  let kept: CostStatus | undefined
  let writes = 0
  return {
    /** @param at ms after START */
    look(at: number, change: Partial<Seen> = {}) {
      seen = { ...seen, ...change, now: new Date(START + at) }
      // What was seen last counts until now; then the new number does, as before and after the other steps.
      for (const instances of [kept?.instances ?? 0, seen.instances]) {
        const { cost, due } = account(kept, { ...seen, instances })
        if (!due) continue
        kept = JSON.parse(JSON.stringify(cost))
        writes++
      }
      return kept as CostStatus
    },
    spent: () => account(kept, { ...seen, instances: kept?.instances ?? 0 }).spent ?? Number.NaN,
    writes: () => writes,
  }
}

test('an hour of two instances costs two hours, and what is not looked at for a day counts too', (t) => {
  const { look } = ledger({ instances: 2 })
  look(0)
  t.like(look(HOUR), { monthToDate: '2.82', hourly: '2.816', hourlyPrice: '1.408', priceSource: 'BuiltIn' })
  t.is(look(25 * HOUR).monthToDate, '70.40')
})

test('while instances run it is written every ten minutes, at none not at all, and when the number changes', (t) => {
  const { look, writes } = ledger()
  for (let minute = 0; minute <= 24 * 60; minute += 5) look(minute * MINUTE)
  t.is(writes(), 1)
  look(24 * HOUR + MINUTE, { instances: 1 })
  t.is(writes(), 2)
  for (let minute = 0; minute <= 60; minute++) look(24 * HOUR + MINUTE + minute * MINUTE)
  t.is(writes(), 8)
  const cost = look(25 * HOUR + 3 * MINUTE, { instances: 0 })
  t.is(writes(), 9)
  t.is(cost.usage[0]?.instanceSeconds, 3720)
  t.is(cost.hourly, '0.00')
})

test('a count that goes up and down adds up to the second, however it is looked at', (t) => {
  const { look } = ledger()
  const counts = [1, 3, 0, 2, 5, 0, 1]
  let wanted = 0
  let at = 0
  for (const [index, instances] of counts.entries()) {
    look(at, { instances })
    const lasts = (index + 1) * 1_700 * 1000
    for (let part = 1; part < 7; part++) look(at + Math.floor((lasts * part) / 7), { instances })
    at += lasts
    wanted += (instances * lasts) / 1000
  }
  t.is(look(at, { instances: 0 }).usage[0]?.instanceSeconds, wanted)
})

test('a new month starts anew with its own part of the time, also at none', (t) => {
  const { look } = ledger({ instances: 1 })
  look(0)
  const rest = Date.parse('2026-12-01T00:00:00Z') - START
  t.like(look(rest - MINUTE), { month: '2026-11' })
  const december = look(rest + HOUR)
  t.like(december, { month: '2026-12', monthToDate: '1.41', usage: [{ instanceSeconds: 3600 }] })
  look(rest + HOUR, { instances: 0 })
  const january = look(rest + 31 * 24 * HOUR + HOUR)
  t.like(january, { month: '2027-01', monthToDate: '0.00' })
})

test('a clock that goes back adds nothing and takes nothing away, not even across the month', (t) => {
  const { look } = ledger({ instances: 1 })
  look(0)
  look(10 * HOUR)
  t.is(look(5 * HOUR).monthToDate, '14.08')
  const rest = Date.parse('2026-12-01T00:00:00Z') - START
  look(rest + HOUR)
  t.like(look(rest - HOUR), { month: '2026-12', monthToDate: '1.41' })
})

test('each type and price counts for itself; time without a price takes on the one that becomes known', (t) => {
  const { look } = ledger({ instances: 1, price: undefined })
  const unknown = look(0)
  t.regex(unknown.message ?? '', /No price is known for ml\.g5\.xlarge/)
  t.is(unknown.priceSource, undefined)
  t.is(look(HOUR).monthToDate, undefined)
  t.like(look(2 * HOUR, { price: { usdPerHour: 1, source: 'Override' } }), { monthToDate: '2.00', message: undefined })
  look(3 * HOUR, { instanceType: 'ml.g5.2xlarge', price: { usdPerHour: 10, source: 'Override' } })
  const both = look(4 * HOUR)
  t.is(both.monthToDate, '13.00')
  t.is(both.usage.length, 2)
})

test('what is saved is told by the time that has passed, not by a month that has not', (t) => {
  const { look } = ledger()
  t.like(look(0), { alwaysOn: '1027.84', saved: '0.00' })
  look(100 * HOUR, { instances: 1 })
  const cost = look(110 * HOUR)
  t.like(cost, { saved: '140.80', monthToDate: '14.08' })
  t.is(look(120 * HOUR, { instances: 4, alwaysOn: 1 }).saved, '140.80')
})

test('dollars are decimals with at least cents', (t) => {
  t.deepEqual(
    [1.408, 1.5, 0, 12.3456789].map((value) => decimal(value, 6)),
    ['1.408', '1.50', '0.00', '12.345679'],
  )
  t.is(decimal(1027.84, 2), '1027.84')
})
