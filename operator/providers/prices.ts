import { BUILT_IN_AS_OF, BUILT_IN_PRICES } from './built-in-prices.ts'
import { isDenied, isThrottled } from './errors.ts'
import { listedPrice, type PriceListApi } from './price-list.ts'

/** USD an hour, by region and instance type. */
export type PriceTable = Readonly<Record<string, Readonly<Record<string, number>>>>

export type Price = {
  /** Of one instance. */
  usdPerHour: number
  source: 'Override' | 'PriceList' | 'BuiltIn'
  /** A date, or the beginning of one, where the source has one. */
  asOf?: string
}

export type Prices = {
  /** The on-demand price of an instance type; undefined where nobody knows it. Never throws: costs are a courtesy. */
  of(region: string, instanceType: string): Promise<Price | undefined>
}

export type PricesOptions = {
  overrides: PriceTable
  /** Absent: AWS is not asked. */
  priceList?: PriceListApi
  now: () => number
  random: () => number
  log: { warn(fields: object, message: string): void }
}

/** AWS changes its prices rarely. */
const REFRESH_MS = 24 * 3_600_000
/** After a failure, and for a type that the list does not have. */
const RETRY_MS = 3_600_000
/** Shorter by up to this share, so that what was asked together is not asked together again. */
const JITTER = 0.2
const MAX_CACHED = 1_000

type Cached = { price: Price | undefined; until: number; asking: Promise<void> | undefined }

/** Prices from the file that overrides them, from AWS's Price List where that is allowed, and from the table that comes along. */
export function prices({ overrides, priceList, now, random, log }: PricesOptions): Prices {
  const cache = new Map<string, Cached>()
  const told = new Set<string>()

  const tellOnce = (error: unknown) => {
    const kind = isThrottled(error) ? 'throttled' : isDenied(error) ? 'denied' : 'failed'
    if (told.has(kind)) return
    told.add(kind)
    log.warn({ err: error }, 'no prices from the Price List; the table that comes along is used where it has the type')
  }

  const ask = async (api: PriceListApi, region: string, type: string, entry: Cached): Promise<void> => {
    let wait = RETRY_MS
    try {
      // Not the signal of one pass: others wait for the same answer.
      const listed = await listedPrice(api, region, type, new AbortController().signal)
      if (listed) {
        const { usdPerHour, asOf } = listed
        entry.price = { usdPerHour, source: 'PriceList', ...(asOf ? { asOf } : {}) }
        wait = REFRESH_MS
      }
    } catch (error) {
      // What was known goes on being used.
      tellOnce(error)
    }
    entry.until = now() + wait * (1 - JITTER * random())
    entry.asking = undefined
  }

  const listed = async (api: PriceListApi, region: string, type: string): Promise<Price | undefined> => {
    const key = `${region}/${type}`
    const entry = cache.get(key) ?? { price: undefined, until: Number.NEGATIVE_INFINITY, asking: undefined }
    cache.set(key, entry)
    if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value as string)
    const first = entry.until === Number.NEGATIVE_INFINITY
    if (now() >= entry.until) entry.asking ??= ask(api, region, type, entry)
    // Later answers come by themselves: where the Price List cannot be reached, nobody waits for it each hour.
    if (first) await entry.asking
    return entry.price
  }

  return {
    async of(region, instanceType) {
      const override = overrides[region]?.[instanceType]
      if (override !== undefined) return { usdPerHour: override, source: 'Override' }
      const found = priceList && (await listed(priceList, region, instanceType))
      if (found) return found
      const builtIn = BUILT_IN_PRICES[region]?.[instanceType]
      return builtIn === undefined ? undefined : { usdPerHour: builtIn, source: 'BuiltIn', asOf: BUILT_IN_AS_OF }
    },
  }
}
