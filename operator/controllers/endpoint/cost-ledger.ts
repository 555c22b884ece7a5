import type { CostStatus } from '../../api/cost.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { Price } from '../../providers/prices.ts'

/** AWS's own convention for a month in its examples. */
export const HOURS_PER_MONTH = 730
/** How often the count is written down while instances run. */
const COUNT_EVERY_MS = 10 * 60_000
const MAX_USAGES = 16
const MAX_SECONDS = Number.MAX_SAFE_INTEGER

/** What is seen now. */
export type Seen = {
  instances: number
  instanceType: string
  price: Price | undefined
  /** The fewest instances that are always on: scaling.minInstances, at least one. */
  alwaysOn: number
  /** When the object was created. */
  since: Date
  now: Date
}

/** What a month has cost so far, exactly as far as it is known. */
export type Account = {
  /** With the time until now counted. */
  cost: CostStatus
  /** US dollars; undefined while there is no price for any of it. */
  spent: number | undefined
  /** Whether `cost` is worth a write: the count has changed, or ten minutes have passed. */
  due: boolean
}

/**
 * Counts the time since the last count at the number of instances seen then, and goes on from what is seen now. What is kept in status
 * survives restarts; a gap counts at the number from before it. A clock that goes back adds nothing, and months only move forward.
 */
export function account(last: CostStatus | undefined, seen: Seen): Account {
  const { now, instances, instanceType, price } = seen
  const month = [last?.month ?? '', monthOf(now)].sort().at(-1) as string
  const another = last?.month !== month
  const from = Math.max(last ? Date.parse(last.countedAt) : now.getTime(), another ? startOf(month) : 0)
  // Whole seconds, as countedAt has: no part of one is counted twice.
  const elapsed = Math.max(0, Math.floor(now.getTime() / 1000) - Math.floor(from / 1000))
  const seconds = elapsed * (last?.instances ?? 0)
  // The time until now was that of the type and price from before.
  const counted = add(another ? [] : (last?.usage ?? []), last?.usage.at(0), seconds)
  const usage = current(counted, instanceType, price)
  const spent = dollars(usage)
  const cost: CostStatus = {
    month,
    ...figures(seen, spent, month),
    instances,
    countedAt: timestamp(now),
    usage,
    ...(!another && last?.warnedAt ? { warnedAt: last.warnedAt } : {}),
  }
  const waited = last ? Math.abs(now.getTime() - Date.parse(last.countedAt)) : 0
  const due = !last || another || changed(last, cost) || (instances > 0 && waited >= COUNT_EVERY_MS)
  return { cost, spent, due }
}

type Usage = CostStatus['usage']

/** The first entry is the current one: what is counted next goes there. */
function add(usage: Usage, to: Usage[number] | undefined, seconds: number): Usage {
  if (!to || seconds === 0) return usage
  const sum = (usage.includes(to) ? to.instanceSeconds : 0) + seconds
  const entry = { ...to, instanceSeconds: Math.min(sum, MAX_SECONDS) }
  return [entry, ...usage.filter((other) => other !== to)]
}

/** Puts the entry of the type and its price first. Seconds of the type that had no price take it on. */
function current(usage: Usage, instanceType: string, price: Price | undefined): Usage {
  const hourlyPrice = price && decimal(price.usdPerHour, 6)
  const same = usage.filter(
    (entry) =>
      entry.instanceType === instanceType &&
      (entry.hourlyPrice === hourlyPrice || (hourlyPrice !== undefined && entry.hourlyPrice === undefined)),
  )
  const instanceSeconds = same.reduce((sum, entry) => sum + entry.instanceSeconds, 0)
  const entry = { instanceType, ...(hourlyPrice ? { hourlyPrice } : {}), instanceSeconds }
  const others = usage.filter((other) => !same.includes(other) && other.instanceSeconds > 0)
  return [entry, ...others].slice(0, MAX_USAGES)
}

function dollars(usage: Usage): number | undefined {
  const priced = usage.filter(({ hourlyPrice }) => hourlyPrice !== undefined)
  if (priced.length === 0) return undefined
  return priced.reduce(
    (sum, { hourlyPrice, instanceSeconds }) => sum + (Number(hourlyPrice) * instanceSeconds) / 3600,
    0,
  )
}

type Figures = Pick<
  CostStatus,
  'monthToDate' | 'hourlyPrice' | 'hourly' | 'alwaysOn' | 'saved' | 'priceSource' | 'priceAsOf' | 'message'
>

function figures(
  { price, instances, alwaysOn, instanceType, since, now }: Seen,
  spent: number | undefined,
  month: string,
): Figures {
  const monthToDate = spent === undefined ? {} : { monthToDate: decimal(spent, 2) }
  if (!price)
    return {
      ...monthToDate,
      message: `No price is known for ${instanceType} in this region: give the operator one in its price file, or let it ask the Price List.`,
    }
  const { usdPerHour, source, asOf } = price
  const hours = Math.max(0, now.getTime() - Math.max(startOf(month), since.getTime())) / 3_600_000
  return {
    ...monthToDate,
    hourlyPrice: decimal(usdPerHour, 6),
    hourly: decimal(usdPerHour * instances, 6),
    alwaysOn: decimal(usdPerHour * alwaysOn * HOURS_PER_MONTH, 2),
    saved: decimal(Math.max(0, usdPerHour * alwaysOn * hours - (spent ?? 0)), 2),
    priceSource: source,
    ...(asOf ? { priceAsOf: asOf } : {}),
  }
}

/** Whether more than time has passed. */
function changed(last: CostStatus, next: CostStatus): boolean {
  const essence = ({ month, instances, hourlyPrice, alwaysOn, priceSource, priceAsOf, message }: CostStatus) =>
    JSON.stringify([month, instances, hourlyPrice, alwaysOn, priceSource, priceAsOf, message])
  return essence(last) !== essence(next)
}

/** Without trailing zeros beyond cents. */
export function decimal(value: number, digits: number): string {
  return value.toFixed(digits).replace(/(\.\d{2}\d*?)0+$/, '$1')
}

/** The calendar month in UTC. */
function monthOf(time: Date): string {
  return time.toISOString().slice(0, 7)
}

function startOf(month: string): number {
  return Date.parse(`${month}-01T00:00:00Z`)
}
