import { z } from 'zod'
import { fits, PATTERN } from './operation-pattern.ts'
import { ApiError } from './service.ts'

/** How many calls a second are answered; what comes beyond meets ThrottlingException. */
export const rateLimitSchema = z
  .object({
    /** `service`, or `service.Operation`; `*` for either part, and at the end of one, as in `sagemaker.Describe*`. */
    calls: z.string().max(128).regex(PATTERN, 'calls is a service or service.Operation, such as sagemaker.Create*'),
    /** Calls a second of real time, whatever the cloud's clock does: limits protect AWS's machines, not SageMaker's minutes. */
    perSecond: z.number().gt(0).max(100_000),
    /** How many calls may come at once after a pause; without it, a second's worth, and at least one. */
    burst: z.int().min(1).max(100_000).optional(),
  })
  .strict()

export type RateLimit = z.infer<typeof rateLimitSchema>

/** A table of limits fits on a screen; more would be a mistake in a loop. */
export const MAX_LIMITS = 64

export type RateLimits = {
  /** Takes the place of all limits before. */
  set(limits: readonly RateLimit[]): void
  list(): (RateLimit & { allowed: number; throttled: number })[]
  /** A call that came: the refusal, where a limit is exceeded. All limits that fit must let it through. */
  onCall(service: string, operation: string): ApiError | undefined
}

type Bucket = { limit: RateLimit; tokens: number; filledAt: number; allowed: number; throttled: number }

/**
 * One token bucket for each limit, shared by all calls that fit it. A call that is refused takes nothing, as at AWS's gateways.
 * @param now milliseconds of real time, from any origin
 */
export function rateLimits(
  initial: readonly RateLimit[] = [],
  now: () => number = () => performance.now(),
): RateLimits {
  let buckets: Bucket[] = []
  const set: RateLimits['set'] = (limits) => {
    buckets = z
      .array(rateLimitSchema)
      .max(MAX_LIMITS)
      .parse(limits)
      .map((limit) => ({ limit, tokens: burstOf(limit), filledAt: now(), allowed: 0, throttled: 0 }))
  }
  const fill = (bucket: Bucket) => {
    const at = now()
    const earned = ((at - bucket.filledAt) / 1000) * bucket.limit.perSecond
    bucket.tokens = Math.min(burstOf(bucket.limit), bucket.tokens + earned)
    bucket.filledAt = at
  }
  set(initial)
  return {
    set,
    list: () => buckets.map(({ limit, allowed, throttled }) => ({ ...limit, allowed, throttled })),
    onCall(service, operation) {
      const met = buckets.filter(({ limit }) => fits(limit.calls, service, operation))
      for (const bucket of met) fill(bucket)
      const exceeded = met.filter(({ tokens }) => tokens < 1)
      for (const bucket of exceeded) bucket.throttled++
      if (exceeded.length > 0) return new ApiError('ThrottlingException', 'Rate exceeded')
      for (const bucket of met) {
        bucket.tokens--
        bucket.allowed++
      }
      return undefined
    },
  }
}

/**
 * Reads `sagemaker=2` or `sagemaker.Create*=2/10`: calls a second, and the burst.
 * @throws Error that says how to write it
 */
export function parseRateLimit(text: string): RateLimit {
  const [, calls, perSecond, burst] = /^([^=]+)=([\d.]+)(?:\/(\d+))?$/.exec(text) ?? []
  if (!calls) throw new Error(`${text} is not SERVICE[.OPERATION]=CALLS_PER_SECOND[/BURST], such as sagemaker=2/10`)
  return rateLimitSchema.parse({
    calls,
    perSecond: Number(perSecond),
    ...(burst === undefined ? {} : { burst: Number(burst) }),
  })
}

function burstOf({ perSecond, burst }: RateLimit): number {
  return burst ?? Math.max(1, Math.floor(perSecond))
}
