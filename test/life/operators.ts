import { setTimeout as delay } from 'node:timers/promises'
import type { LocalCloud } from '../../local/cloud.ts'
import { type Config, readConfig } from '../../operator/config.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import { type Metrics, metrics } from '../../operator/metrics.ts'
import type { JumpingClock } from './clock.ts'
import type { History } from './history.ts'
import { type CrashPoint, type Incarnation, startIncarnation } from './incarnation.ts'
import { REGION } from './view.ts'

/** Milliseconds. Short, so that a sequence takes seconds. */
export const INTERVALS = { inFlight: 60, settled: 700, deleting: 60, verify: 1_400 }
const SWEEP_MS = 2_000
const LEASE = { leaseMs: 4_000, renewDeadlineMs: 3_400, retryMs: 300 }
const DOWN_MS = 100

/** The operators of one sequence: one, or two that elect a leader. One that has crashed comes back by itself. */
export type Operators = {
  start(): void
  /** How many have crashed so far. */
  crashes(): number
  crashNow(downMs: number): void
  /** All of them, so that nothing is under way any more. */
  crashAll(): void
  crashAt(point: CrashPoint): void
  restart(): Promise<void>
  /** Waits until none is down, and takes back crashes that have not come yet. */
  running(): Promise<void>
  end(): Promise<void>
}

export type OperatorsOptions = {
  kube: KubeClient
  cloud: LocalCloud
  clock: JumpingClock
  random: () => number
  namespace: string
  pair: boolean
  history: History
  violations: string[]
  /** After each request to AWS: `service.Operation`. */
  onCall(operation: string): void
}

/** The registry of a process: making one starts collectors that never end. */
const shared: Metrics = metrics()

export function operators(options: OperatorsOptions): Operators {
  const { kube, cloud, clock, random, namespace, pair, history, violations, onCall } = options
  const base: Config = {
    ...readConfig({ MOORING_HTTP_ADDRESS: '127.0.0.1', MOORING_HTTP_PORT: '0' }),
    namespace,
    clusterId: namespace,
    intervals: INTERVALS,
    orphans: { mode: 'delete', interval: SWEEP_MS, regions: [REGION] },
    workers: 4,
    customEndpoint: true,
  }
  type Seat = { current: Incarnation | undefined; coming: Promise<void>; downMs: number }
  const seats: Seat[] = Array.from({ length: pair ? 2 : 1 }, () => ({
    current: undefined,
    coming: Promise.resolve(),
    downMs: DOWN_MS,
  }))
  const past: Incarnation[] = []
  /** Those alive that have spoken to AWS: only a leader may, and it leads until it ends. */
  const leaders = new Map<Incarnation, Seat>()
  let serial = 0
  let crashes = 0
  let ended = false

  const leading = (): Seat => leaders.values().next().value ?? (seats[0] as Seat)

  const start = (seat: Seat) => {
    const name = `operator ${++serial}`
    history.add(name, 'starts')
    const incarnation = startIncarnation({
      name,
      config: {
        ...base,
        leaderElection: { enabled: pair, namespace, identity: name.replace(' ', '-'), timing: LEASE },
      },
      kube,
      cloudUrl: cloud.url,
      metrics: shared,
      history,
      now: clock.now,
      random,
      onCall({ service, operation }) {
        leaders.set(incarnation, seat)
        if (leaders.size > 1) violations.push(`two operators act at once, one of them ${name}`)
        onCall(`${service}.${operation}`)
      },
      onFatal(reason) {
        history.add(name, `gives up: ${reason}`)
        // On a machine that stands still for seconds, a lease of seconds runs out.
        if (!pair) violations.push(`${name} gave up: ${reason}`)
        incarnation.crash()
      },
      onCrash() {
        crashes++
        leaders.delete(incarnation)
        const { downMs } = seat
        seat.downMs = DOWN_MS
        seat.coming = delay(downMs).then(() => {
          if (!ended) start(seat)
        })
      },
    })
    seat.current = incarnation
    past.push(incarnation)
  }

  return {
    start: () => seats.forEach(start),
    crashes: () => crashes,
    crashNow(downMs) {
      const seat = leading()
      seat.downMs = downMs
      seat.current?.crash()
    },
    crashAll() {
      for (const { current } of seats) current?.crash()
    },
    crashAt: (point) => leading().current?.crashAt(point),
    async restart() {
      const seat = leading()
      await seat.coming
      const { current, coming } = seat
      await current?.stop()
      // It crashed while it stopped: its successor is on the way.
      if (seat.coming !== coming) return await seat.coming
      if (current) leaders.delete(current)
      start(seat)
    },
    async running() {
      await Promise.all(seats.map(({ coming }) => coming))
      for (const { current } of seats) current?.crashAt({ calls: Number.POSITIVE_INFINITY, side: 'before' })
    },
    async end() {
      ended = true
      await Promise.all(seats.map(({ coming }) => coming))
      for (const { current } of seats) current?.crash()
      await Promise.all(past.map((each) => each.buried()))
    },
  }
}
