/** Calls at a rate that is found out: lowered when the server refuses, and raised slowly while it does not. */
export type Bucket = {
  /** Resolves when a call may be sent, in the order of asking. */
  take(deadline: number, signal?: AbortSignal): Promise<void>
  /** A call sent at `sentAt` was refused for its rate. */
  throttled(sentAt: number): void
  /** Calls a second, now. */
  rate(): number
}

export type BucketOptions = {
  /** Calls a second that are never exceeded. */
  ceiling: number
  now: () => number
  random: () => number
  schedule: (callback: () => void, ms: number) => () => void
  /** The error for a call whose turn would come too late. */
  tooLate: () => Error
}

/** While the server never refused, so many seconds' calls may be sent at once: applying a chart makes a burst, and then silence. */
const BURST_SECONDS = 10
/** One call in two seconds: below, a pass of some calls would not end within its time. */
const FLOOR = 0.5
/** In this many seconds after a halving the rate is back where it was refused, and probes beyond. */
const RECOVERY_SECONDS = 5
/** Families that share one limit at the server must not probe it in step. */
const JITTER = 0.4
/** Left for the request itself, once its turn has come. */
const REQUEST_MS = 5_000
/** Workers times the calls that a pass makes at once stay far below. */
const MAX_WAITING = 10_000

type Waiter = { deadline: number; resolve: () => void; reject: (error: unknown) => void }

/** A token bucket whose rate is halved by a refusal and grows by a constant amount a second otherwise (TCP's way of sharing a line). */
export function bucket({ ceiling, now, random, schedule, tooLate }: BucketOptions): Bucket {
  const floor = Math.min(FLOOR, ceiling)
  // The rate was `base` at `since`, and has grown by `step` each second from then.
  let base = ceiling
  let step = 0
  let since = now()
  const burst = Math.max(1, ceiling * BURST_SECONDS)
  let tokens = burst
  let filledAt = since
  let halvedAt = Number.NEGATIVE_INFINITY
  const waiting: Waiter[] = []
  let stopTimer: (() => void) | undefined

  const rateAt = (time: number) => Math.min(ceiling, base + (step * (time - since)) / 1000)

  const fill = () => {
    const time = now()
    const rate = rateAt(time)
    const capacity = rate < ceiling ? Math.max(1, rate) : burst
    // The rate grows in a line, so that its mean is that of both ends.
    const earned = ((time - filledAt) / 1000) * ((rateAt(filledAt) + rate) / 2)
    tokens = Math.min(capacity, tokens + earned)
    filledAt = time
  }

  const waitOf = (position: number) => (Math.max(0, position + 1 - tokens) / rateAt(now())) * 1000
  const late = (deadline: number, position: number) => now() + waitOf(position) + REQUEST_MS > deadline

  const pump = () => {
    stopTimer?.()
    stopTimer = undefined
    fill()
    while (tokens >= 1) {
      const next = waiting.shift()
      if (!next) return
      tokens--
      next.resolve()
    }
    if (waiting.length > 0) stopTimer = schedule(pump, Math.max(1, Math.ceil(waitOf(0))))
  }

  /** Those who cannot be served in time leave at once, so that their workers do. */
  const dismiss = () => {
    for (let position = 0; position < waiting.length; ) {
      const waiter = waiting[position] as Waiter
      if (late(waiter.deadline, position)) {
        waiting.splice(position, 1)
        waiter.reject(tooLate())
      } else position++
    }
  }

  return {
    rate: () => rateAt(now()),
    async take(deadline, signal) {
      signal?.throwIfAborted()
      fill()
      if (waiting.length === 0 && tokens >= 1) {
        tokens--
        return
      }
      if (waiting.length >= MAX_WAITING || late(deadline, waiting.length)) throw tooLate()
      await new Promise<void>((resolve, reject) => {
        const leave = () => signal?.removeEventListener('abort', onAbort)
        const waiter: Waiter = {
          deadline,
          resolve: () => {
            leave()
            resolve()
          },
          reject: (error) => {
            leave()
            reject(error)
          },
        }
        const onAbort = () => {
          const position = waiting.indexOf(waiter)
          if (position >= 0) waiting.splice(position, 1)
          waiter.reject(signal?.reason)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        waiting.push(waiter)
        if (!stopTimer) pump()
      })
    },
    throttled(sentAt) {
      // Refusals of what was sent before the last halving say nothing of the rate since: eight workers are refused at once.
      if (sentAt < halvedAt) return
      const time = now()
      const refused = rateAt(time)
      fill()
      base = Math.max(floor, refused / 2)
      step = ((refused - base) / RECOVERY_SECONDS || floor / RECOVERY_SECONDS) * (1 - JITTER / 2 + JITTER * random())
      since = time
      halvedAt = time
      tokens = 0
      filledAt = time
      dismiss()
      if (waiting.length > 0) pump()
    },
  }
}
