import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient } from './client.ts'
import { isConflict, isNotFound } from './errors.ts'
import type { Log } from './log.ts'
import { microTime } from './recorder.ts'
import type { ResourceType } from './types.ts'

const LEASES: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}

export type LeaderElectionTiming = {
  /** How long others wait after the holder's last renewal before they take over. */
  leaseMs: number
  /** A holder that has not managed to renew for this long gives up; with retryMs less than leaseMs, so that two never lead at once. */
  renewDeadlineMs: number
  retryMs: number
}

/** client-go's default. */
const LEASE_MS = 15_000

/** The other times of a lease of this length, in client-go's proportions: 15, 10 and 2 s. */
export function leaderElectionTiming(leaseMs = LEASE_MS): LeaderElectionTiming {
  return { leaseMs, renewDeadlineMs: (leaseMs * 2) / 3, retryMs: (leaseMs * 2) / 15 }
}

export type LeaderElectionOptions = {
  client: KubeClient
  namespace: string
  name: string
  /** Unique to this process. */
  identity: string
  log: Log
  /** Called once, when this process no longer leads without having asked to stop. It should exit. */
  onLost(): void
  timing?: Partial<LeaderElectionTiming>
}

export type LeaderElection = {
  /** Resolves when this process leads; rejects with the signal's reason. */
  acquire(signal: AbortSignal): Promise<void>
  /**
   * Whether this process may act at this moment: nobody else can lead before the deadline of the last renewal. To be asked right
   * before each act. `onLost` is a timer's word, and a process that was stalled may run on for a while before its timers do.
   */
  holds(): boolean
  /** Gives the lease back, so that the next one need not wait for it to run out. */
  release(): Promise<void>
}

type Lease = {
  metadata: { name: string; namespace: string; resourceVersion?: string }
  spec: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

/** `theirs`: another holds it. `unknown`: the API server did not say in time, or somebody wrote first. */
type Attempt = 'ours' | 'theirs' | 'unknown'

/**
 * One leader among several processes, by a Lease. Expiry is judged by this process's own clock from when it last saw the lease
 * change, so that clocks need not agree (client-go's rule).
 * @throws RangeError for times that would let two lead at once
 */
export function leaderElection(options: LeaderElectionOptions): LeaderElection {
  const { client, namespace, name, identity, log, onLost } = options
  const timing = { ...leaderElectionTiming(), ...options.timing }
  if (timing.renewDeadlineMs + timing.retryMs > timing.leaseMs)
    throw new RangeError('renewDeadlineMs and retryMs together must not exceed leaseMs')
  const key = { namespace, name }
  const stopping = new AbortController()
  let renewing: Promise<void> | undefined
  /** When the request was sent that the lease was last written by: others count from then at the earliest. */
  let renewed = Number.NEGATIVE_INFINITY
  let observed: { version: string | undefined; at: number } | undefined

  /** One try to take the lease, or to renew it when this process leads: then it never takes it back from another. */
  const tryOnce = async (leads: boolean): Promise<Attempt> => {
    const now = Date.now()
    let lease: Lease
    try {
      lease = (await client.get(LEASES, key)) as unknown as Lease
    } catch (error) {
      if (!isNotFound(error)) throw error
      await client.create(
        LEASES,
        { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec: mine(now, undefined) },
        namespace,
      )
      return 'ours'
    }
    if (observed?.version !== lease.metadata.resourceVersion) {
      observed = { version: lease.metadata.resourceVersion, at: performance.now() }
    }
    const holder = lease.spec.holderIdentity
    const duration = (lease.spec.leaseDurationSeconds ?? timing.leaseMs / 1000) * 1000
    const free = !holder || performance.now() - (observed?.at ?? Number.POSITIVE_INFINITY) > duration
    if (holder !== identity && (leads || !free)) return 'theirs'
    // The resourceVersion makes the take-over conditional: of two that try, one gets a conflict.
    await client.replace(LEASES, key, { ...lease, spec: mine(now, lease.spec) })
    return 'ours'
  }

  const mine = (now: number, before: Lease['spec'] | undefined): Lease['spec'] => ({
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.ceil(timing.leaseMs / 1000)),
    acquireTime: before?.holderIdentity === identity && before.acquireTime ? before.acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (before?.leaseTransitions ?? 0) + (before && before.holderIdentity !== identity ? 1 : 0),
  })

  const attempt = async (leads: boolean, limitMs: number): Promise<Attempt> => {
    const over = new AbortController()
    try {
      return await Promise.race([tryOnce(leads), delay(limitMs, 'unknown' as const, { signal: over.signal })])
    } catch (error) {
      if (!isConflict(error)) log.warn({ err: error, lease: name }, 'the lease could not be taken or renewed')
      return 'unknown'
    } finally {
      over.abort()
    }
  }

  const left = () => renewed + timing.renewDeadlineMs - performance.now()

  const keepRenewing = async () => {
    for (;;) {
      await delay(Math.max(0, Math.min(timing.retryMs, left())), undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      const sent = performance.now()
      const outcome = left() > 0 ? await attempt(true, left()) : 'unknown'
      if (stopping.signal.aborted) return
      if (outcome === 'ours') renewed = sent
      else if (outcome === 'theirs' || left() <= 0) {
        stopping.abort()
        log.error({ lease: name, identity }, 'lost the lease')
        return onLost()
      }
    }
  }

  return {
    async acquire(signal) {
      let sent = performance.now()
      while ((await attempt(false, timing.renewDeadlineMs)) !== 'ours') {
        signal.throwIfAborted()
        await delay(timing.retryMs, undefined, { signal }).catch(() => signal.throwIfAborted())
        sent = performance.now()
      }
      log.info({ lease: name, identity }, 'leading')
      renewed = sent
      renewing = keepRenewing()
    },
    holds: () => renewing !== undefined && !stopping.signal.aborted && left() > 0,
    async release() {
      const led = renewing !== undefined && !stopping.signal.aborted
      stopping.abort()
      // A renewal under way is waited for, or its write and this one would be in each other's way.
      await renewing
      if (!led) return
      try {
        const lease = (await client.get(LEASES, key)) as unknown as Lease
        if (lease.spec.holderIdentity !== identity) return
        await client.replace(LEASES, key, {
          ...lease,
          spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 },
        })
      } catch (error) {
        log.warn({ err: error, lease: name }, 'the lease was not given back; it runs out by itself')
      }
    },
  }
}
