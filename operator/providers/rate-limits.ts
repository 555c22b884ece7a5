import { type Bucket, bucket } from './token-bucket.ts'

/**
 * Operations that AWS is likely to limit together. AWS publishes no rates for any of them; that reads, changes and tags of SageMaker have
 * rates of their own is what users' throttles suggest.
 */
export const FAMILIES = [
  'sagemaker-read',
  'sagemaker-write',
  'sagemaker-tags',
  'autoscaling',
  'cloudwatch',
  'other',
] as const
export type Family = (typeof FAMILIES)[number]

/** Calls a second, by family. */
export type Rates = Readonly<Record<Family, number>>

/**
 * So high that a hundred endpoints are made without a wait, and finite, so that a defect of ours cannot take an account's whole share. AWS's
 * own limits are found by being throttled.
 */
export const DEFAULT_RATES: Rates = Object.freeze({
  'sagemaker-read': 50,
  'sagemaker-write': 50,
  'sagemaker-tags': 25,
  autoscaling: 50,
  cloudwatch: 50,
  other: 100,
})

export const MIN_RATE = 0.1
export const MAX_RATE = 1000

/** The family of an operation, by the names that the metrics have. */
export function familyOf(service: string, operation: string): Family {
  if (service === 'application-autoscaling') return 'autoscaling'
  if (service === 'monitoring') return 'cloudwatch'
  if (service !== 'sagemaker') return 'other'
  if (/Tags$/.test(operation)) return 'sagemaker-tags'
  return /^(Describe|List|Get|Search|BatchDescribe)/.test(operation) ? 'sagemaker-read' : 'sagemaker-write'
}

/** A call that would have to wait for longer than it has: AWS was not asked. errors.ts reads it as throttled. */
export class RateLimitError extends Error {
  constructor(family: Family) {
    super(`The client-side rate limit of ${family} leaves no time for this call`)
    this.name = 'RateLimitError'
  }
}

/** The right to send one request, now. */
export type Turn = {
  /** AWS refused the request for its rate. */
  throttled(): void
}

export type RateLimiter = {
  /**
   * Waits for the family's turn in the region: first come, first served.
   * @throws RateLimitError at once, where the wait would not end before `deadline` (in ms of `now`)
   * @throws the signal's reason, when it aborts
   */
  take(region: string, family: Family, until: { deadline: number; signal?: AbortSignal | undefined }): Promise<Turn>
}

export type RateLimiterOptions = {
  rates?: Rates
  /** Milliseconds from any origin; deadlines count from the same. */
  now?: () => number
  /** Uniform in [0, 1). */
  random?: () => number
  /** Calls back after some milliseconds; answers the way to stop it. */
  schedule?: (callback: () => void, ms: number) => () => void
  metrics?: {
    rateLimitWait(family: Family, seconds: number): void
    rate(region: string, family: Family, perSecond: number): void
  }
}

/** A token bucket for each family of each region, shared by everything in this process that calls AWS. */
export function rateLimiter(options: RateLimiterOptions = {}): RateLimiter {
  const { rates = DEFAULT_RATES, now = () => performance.now(), random = Math.random, metrics } = options
  const { schedule = onTimer } = options
  const buckets = new Map<string, Bucket>()
  const bucketOf = (region: string, family: Family): Bucket => {
    const key = `${region} ${family}`
    const known = buckets.get(key)
    if (known) return known
    const made = bucket({ ceiling: rates[family], now, random, schedule, tooLate: () => new RateLimitError(family) })
    buckets.set(key, made)
    return made
  }
  return {
    async take(region, family, { deadline, signal }) {
      const from = bucketOf(region, family)
      const asked = now()
      try {
        await from.take(deadline, signal)
      } finally {
        metrics?.rateLimitWait(family, (now() - asked) / 1000)
        metrics?.rate(region, family, from.rate())
      }
      const sentAt = now()
      return {
        throttled() {
          from.throttled(sentAt)
          metrics?.rate(region, family, from.rate())
        },
      }
    },
  }
}

function onTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}
