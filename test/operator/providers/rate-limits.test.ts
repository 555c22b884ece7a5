import test from 'ava'
import { isThrottled } from '../../../operator/providers/errors.ts'
import { DEFAULT_RATES, FAMILIES, familyOf, type Rates, rateLimiter } from '../../../operator/providers/rate-limits.ts'
import { virtualTimers } from './virtual-timers.ts'

const REGION = 'us-east-1'
const FOR_EVER = Number.POSITIVE_INFINITY
const all = (rate: number) => Object.fromEntries(FAMILIES.map((family) => [family, rate])) as Rates

function limited(rate: number) {
  const time = virtualTimers()
  const limiter = rateLimiter({ rates: all(rate), ...time, random: () => 0.5 })
  const served: number[] = []
  const take = (deadline = FOR_EVER, signal?: AbortSignal) =>
    limiter.take(REGION, 'sagemaker-read', { deadline, signal }).then((permit) => {
      served.push(time.now())
      return permit
    })
  /** Uses up what may be sent at once. */
  const drain = async () => {
    for (let index = 0; index < rate * 10; index++) await take()
    served.length = 0
  }
  return { time, limiter, take, drain, served }
}

test('a call that would have to wait past its deadline fails at once, and AWS errors call it throttled', async (t) => {
  const { time, take, drain } = limited(1)
  await drain()
  const waiting = Array.from({ length: 20 }, () => take(time.now() + 30_000))
  const error = await t.throwsAsync(Promise.all(Array.from({ length: 10 }, () => take(time.now() + 30_000))), {
    name: 'RateLimitError',
  })
  t.true(isThrottled(error))
  await time.advance(20_000)
  await Promise.all(waiting)
})

test('an abort ends the wait, and the place in the queue goes to the next', async (t) => {
  const { time, take, drain, served } = limited(1)
  await drain()
  const abort = new AbortController()
  const first = t.throwsAsync(take(FOR_EVER, abort.signal), { message: 'stopping' })
  const second = take()
  abort.abort(new Error('stopping'))
  await first
  await time.advance(1_000)
  await second
  t.deepEqual(served, [1_000])
  await t.throwsAsync(take(FOR_EVER, abort.signal), { message: 'stopping' })
})

test('a refusal halves the rate, down to one call in two seconds; those whose turn now comes too late are let go', async (t) => {
  const { time, take, drain, served } = limited(4)
  await drain()
  const permit = take()
  await time.advance(250)
  const waiting = Array.from({ length: 80 }, () => take(time.now() + 30_000))
  const outcomes = Promise.allSettled(waiting)
  ;(await permit).throttled()
  await time.advance(60_000)
  const late = (await outcomes).filter(({ status }) => status === 'rejected').length
  t.true(
    late > 20 && late < 40,
    `${late} of 80 were let go: half the calls of 25 s at 4 a second, less what the recovery gave`,
  )
  t.true((served.at(-1) ?? 0) <= 25_250)

  for (let index = 0; index < 20; index++) {
    const next = take()
    await time.advance(2_000)
    ;(await next).throttled()
  }
  served.length = 0
  const slow = take()
  const before = time.now()
  await time.advance(2_000)
  await slow
  t.true((served[0] ?? 0) - before > 1_500)
})

test('eight refusals of what was under way together halve the rate once', async (t) => {
  const time = virtualTimers()
  let rate = 0
  const metrics = {
    rateLimitWait() {},
    rate(_region: string, _family: string, perSecond: number) {
      rate = perSecond
    },
  }
  const limiter = rateLimiter({ rates: all(16), ...time, random: () => 0.5, metrics })
  const permits = await Promise.all(
    Array.from({ length: 8 }, () => limiter.take(REGION, 'autoscaling', { deadline: FOR_EVER })),
  )
  await time.advance(100)
  for (const permit of permits) permit.throttled()
  t.is(rate, 8)
  await time.advance(5_000)
  await limiter.take(REGION, 'autoscaling', { deadline: FOR_EVER })
  t.is(rate, 16, 'it recovers by a constant amount a second')
  await time.advance(60_000)
  await limiter.take(REGION, 'autoscaling', { deadline: FOR_EVER })
  t.is(rate, 16, 'and never exceeds what was configured')
})

test('families and regions do not wait for each other; callers of one are served in their order', async (t) => {
  const { time, limiter, take, drain } = limited(1)
  await drain()
  const order: number[] = []
  const waiting = [0, 1, 2].map((index) => take().then(() => order.push(index)))
  await limiter.take(REGION, 'sagemaker-write', { deadline: FOR_EVER })
  await limiter.take('eu-west-1', 'sagemaker-read', { deadline: FOR_EVER })
  t.deepEqual(order, [])
  await time.advance(3_000)
  await Promise.all(waiting)
  t.deepEqual(order, [0, 1, 2])
})

test('against a server that takes 2 calls a second, nearly all of that is used, and few calls are refused', async (t) => {
  const time = virtualTimers()
  const limiter = rateLimiter({ rates: DEFAULT_RATES, ...time, random: () => 0.5 })
  const MINUTES = 30
  let tokens = 2
  let filledAt = 0
  const taken = { 'sagemaker-read': 0, 'sagemaker-write': 0 }
  let refused = 0
  const server = () => {
    tokens = Math.min(2, tokens + ((time.now() - filledAt) / 1000) * 2)
    filledAt = time.now()
    if (tokens < 1) return false
    tokens--
    return true
  }
  const stop = new AbortController()
  const worker = async (family: keyof typeof taken) => {
    while (!stop.signal.aborted) {
      const permit = await limiter.take(REGION, family, { deadline: FOR_EVER, signal: stop.signal })
      await time.sleep(20)
      if (server()) taken[family]++
      else {
        refused++
        permit.throttled()
      }
    }
  }
  const workers = (['sagemaker-read', 'sagemaker-write'] as const).flatMap((family) =>
    Array.from({ length: 4 }, () => worker(family).catch(() => {})),
  )
  await time.advance(MINUTES * 60_000)
  stop.abort()
  await Promise.all(workers)
  const { 'sagemaker-read': reads, 'sagemaker-write': writes } = taken
  const served = reads + writes
  t.true(served > 0.85 * MINUTES * 60 * 2, `${served} of ${MINUTES * 120}`)
  t.true(refused < 0.3 * served, `${refused} refused, ${served} served`)
  t.true(Math.min(reads, writes) > 0.25 * served, `${reads} reads, ${writes} writes`)
  t.log(`${served} of ${MINUTES * 120} served, ${refused} refused, ${reads} reads, ${writes} writes`)
})

test('every operation belongs to a family', (t) => {
  const families: [string, string, string][] = [
    ['sagemaker', 'DescribeEndpoint', 'sagemaker-read'],
    ['sagemaker', 'ListEndpoints', 'sagemaker-read'],
    ['sagemaker', 'CreateModel', 'sagemaker-write'],
    ['sagemaker', 'UpdateEndpoint', 'sagemaker-write'],
    ['sagemaker', 'DeleteModel', 'sagemaker-write'],
    ['sagemaker', 'AddTags', 'sagemaker-tags'],
    ['sagemaker', 'ListTags', 'sagemaker-tags'],
    ['application-autoscaling', 'PutScalingPolicy', 'autoscaling'],
    ['monitoring', 'DescribeAlarms', 'cloudwatch'],
    ['s3', 'HeadObject', 'other'],
    ['sagemaker-runtime', 'InvokeEndpointAsync', 'other'],
  ]
  for (const [service, operation, family] of families) t.is(familyOf(service, operation), family as never, operation)
})
