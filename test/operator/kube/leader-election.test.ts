import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { connect, type KubeClient } from '../../../operator/kube/client.ts'
import { KubeError } from '../../../operator/kube/errors.ts'
import {
  type LeaderElection,
  type LeaderElectionTiming,
  leaderElection,
} from '../../../operator/kube/leader-election.ts'
import type { KubeObject } from '../../../operator/kube/types.ts'
import { testCluster } from '../../kubernetes.ts'
import { eventually, silent, wire } from './support.ts'

const cluster = testCluster()
const client = connect({ kubeconfigPath: cluster.kubeconfigPath })
const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true }
/** Leases count whole seconds, hence no shorter ones. */
const timing = { leaseMs: 3_000, renewDeadlineMs: 2_000, retryMs: 100 }

type Candidate = { election: LeaderElection; leading: boolean; lost: boolean; started: Promise<void> }

function candidate(
  t: ExecutionContext,
  namespace: string,
  identity: string,
  kubeconfigPath = cluster.kubeconfigPath,
  times: LeaderElectionTiming = timing,
): Candidate {
  const stop = new AbortController()
  const one: Candidate = {
    leading: false,
    lost: false,
    started: Promise.resolve(),
    election: leaderElection({
      client: connect({ kubeconfigPath }),
      namespace,
      name: 'operator',
      identity,
      log: silent,
      timing: times,
      onLost: () => {
        one.lost = true
        one.leading = false
      },
    }),
  }
  one.started = one.election.acquire(stop.signal).then(
    () => {
      one.leading = true
    },
    () => {},
  )
  t.teardown(async () => {
    stop.abort()
    await one.election.release()
  })
  return one
}

test('of several candidates one leads, and when it gives the lease back the next one follows', async (t) => {
  const namespace = await cluster.namespace()
  const candidates = ['a', 'b', 'c'].map((identity) => candidate(t, namespace, identity))
  await eventually('a leader', () => candidates.some((one) => one.leading))
  for (let index = 0; index < 20; index++) {
    t.is(candidates.filter((one) => one.leading).length, 1)
    await delay(50)
  }
  const first = candidates.find((one) => one.leading)
  if (first) first.leading = false
  await first?.election.release()
  await eventually('another leader', () => candidates.some((one) => one !== first && one.leading))
  t.is(candidates.filter((one) => one.leading).length, 1)
  t.false(candidates.some((one) => one.lost))
})

test('a leader that is cut off says that it lost the lease before anyone else leads', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  const cutOff = candidate(t, namespace, 'cut-off', line.kubeconfigPath)
  await eventually('leading', () => cutOff.leading)
  const standby = candidate(t, namespace, 'standby')
  line.close()
  let together = false
  await eventually('the standby leads', () => {
    together ||= cutOff.leading && standby.leading
    return standby.leading
  })
  t.true(cutOff.lost)
  t.false(together)
})

test('a short interruption costs nobody the lease', async (t) => {
  const namespace = await cluster.namespace()
  const line = await wire(cluster.kubeconfigPath)
  t.teardown(() => line.stop())
  const leader = candidate(t, namespace, 'leader', line.kubeconfigPath)
  await eventually('leading', () => leader.leading)
  line.close()
  await delay(300)
  line.open()
  await delay(timing.renewDeadlineMs * 1.5)
  t.true(leader.leading)
  t.false(leader.lost)
})

test('a lease that a crashed leader left behind is taken over once it has run out', async (t) => {
  const namespace = await cluster.namespace()
  const spec = {
    holderIdentity: 'crashed',
    leaseDurationSeconds: 1,
    renewTime: '2020-01-01T00:00:00.000000Z',
    leaseTransitions: 4,
  }
  await client.create(
    LEASES,
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'operator' }, spec },
    namespace,
  )
  const next = candidate(t, namespace, 'next')
  await eventually('leading', () => next.leading)
  const lease = await client.get(LEASES, { namespace, name: 'operator' })
  t.like(lease.spec as object, { holderIdentity: 'next', leaseTransitions: 5 })
})

test('a leader that finds another name in the lease stops at once, and does not take the lease back', async (t) => {
  const namespace = await cluster.namespace()
  // With client-go's own times the deadline is ten seconds off; the discovery must not wait for it.
  const leader = candidate(t, namespace, 'leader', cluster.kubeconfigPath, {
    leaseMs: 3_600_000,
    renewDeadlineMs: 1_800_000,
    retryMs: 50,
  })
  await eventually('leading', () => leader.leading)
  const usurp = async () => {
    const lease = await client.get(LEASES, { namespace, name: 'operator' })
    const spec = { ...(lease.spec as object), holderIdentity: 'usurper', leaseDurationSeconds: 1 }
    await client.replace(LEASES, { namespace, name: 'operator' }, { ...lease, spec })
  }
  await eventually('usurped', () =>
    usurp().then(
      () => true,
      () => false,
    ),
  )
  await eventually('lost', () => leader.lost)
  const { spec } = await client.get<KubeObject<{ holderIdentity: string }>>(LEASES, { namespace, name: 'operator' })
  t.is(spec.holderIdentity, 'usurper')
})

test('a lease that was taken late is given up early: its time counts from before the request', async (t) => {
  // The API server answers the first write only after most of the deadline, and nothing after that.
  let writes = 0
  const times = { leaseMs: 8_000, renewDeadlineMs: 4_000, retryMs: 100 }
  const answerMs = 3_000
  const slow: KubeClient = {
    ...client,
    get: () => Promise.reject(new KubeError(404, 'NotFound', 'no lease')),
    create: async (_resource, object) => {
      if (writes++ > 0) return new Promise(() => {})
      await delay(answerMs)
      return object
    },
  }
  let lostAt = 0
  const election = leaderElection({
    client: slow,
    namespace: 'n',
    name: 'operator',
    identity: 'slow',
    log: silent,
    timing: times,
    onLost: () => {
      lostAt = performance.now()
    },
  })
  await election.acquire(new AbortController().signal)
  const leadingSince = performance.now()
  await eventually('lost', () => lostAt > 0)
  t.true(
    lostAt - leadingSince < times.renewDeadlineMs,
    `led for ${lostAt - leadingSince} ms after an answer that took ${answerMs} ms`,
  )
})

// Serial: it stalls the whole process.
test.serial('a leader that was stalled knows that it may not act before any timer has told it', async (t) => {
  const namespace = await cluster.namespace()
  const stalled = candidate(t, namespace, 'stalled')
  t.false(stalled.election.holds())
  await eventually('leading', () => stalled.leading)
  t.true(stalled.election.holds())
  // As a stopped process does: nothing of it runs, and then its code goes on where it was.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timing.renewDeadlineMs)
  t.false(stalled.lost)
  t.false(stalled.election.holds())
  await eventually('lost', () => stalled.lost)
  t.false(stalled.election.holds())
})

test('giving the lease back waits for a renewal under way, so that neither fails', async (t) => {
  const namespace = await cluster.namespace()
  const warnings: unknown[] = []
  for (let round = 0; round < 20; round++) {
    let asked = () => {}
    const renewing = new Promise<void>((resolve) => {
      asked = resolve
    })
    let reads = 0
    const watched: KubeClient = {
      ...client,
      get(resource, key) {
        if (++reads > 1) asked()
        return client.get(resource, key)
      },
    }
    const election = leaderElection({
      client: watched,
      namespace,
      name: `operator-${round}`,
      identity: 'a',
      log: { ...silent, warn: (fields) => void warnings.push(fields) },
      onLost: () => t.fail('nobody took it'),
      timing: { leaseMs: 60_000, renewDeadlineMs: 40_000, retryMs: 1 },
    })
    await election.acquire(new AbortController().signal)
    await renewing
    await election.release()
    const lease = await client.get<KubeObject<{ holderIdentity: string }>>(LEASES, {
      namespace,
      name: `operator-${round}`,
    })
    t.falsy(lease.spec.holderIdentity)
  }
  t.deepEqual(warnings, [])
})

test('times that would let two lead at once are refused', (t) => {
  const options = { client, namespace: 'n', name: 'operator', identity: 'a', log: silent, onLost: () => {} }
  t.throws(() => leaderElection({ ...options, timing: { leaseMs: 10_000, renewDeadlineMs: 10_000 } }), {
    message: /renewDeadlineMs/,
  })
})
