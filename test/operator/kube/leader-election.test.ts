import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { connect } from '../../../operator/kube/client.ts'
import { type LeaderElection, leaderElection } from '../../../operator/kube/leader-election.ts'
import { testCluster } from '../../kubernetes.ts'
import { eventually, silent, wire } from './support.ts'

const cluster = testCluster()
/** Leases count whole seconds, hence no shorter ones. */
const timing = { leaseMs: 3_000, renewDeadlineMs: 2_000, retryMs: 100 }

type Candidate = { election: LeaderElection; leading: boolean; lost: boolean; started: Promise<void> }

function candidate(
  t: ExecutionContext,
  namespace: string,
  identity: string,
  kubeconfigPath = cluster.kubeconfigPath,
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
      timing,
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
  const client = connect({ kubeconfigPath: cluster.kubeconfigPath })
  const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true }
  const spec = {
    holderIdentity: 'crashed',
    leaseDurationSeconds: 1,
    renewTime: '2020-01-01T00:00:00.000000Z',
    leaseTransitions: 4,
  }
  await client.create(
    leases,
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'operator' }, spec },
    namespace,
  )
  const next = candidate(t, namespace, 'next')
  await eventually('leading', () => next.leading)
  const lease = await client.get(leases, { namespace, name: 'operator' })
  t.like(lease.spec as object, { holderIdentity: 'next', leaseTransitions: 5 })
})
