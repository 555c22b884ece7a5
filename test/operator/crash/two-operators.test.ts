import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import type { CallBoundary } from '../../../local/call-hook.ts'
import type { OperatorProcess } from '../process.ts'
import { type Actor, type Scene, scene } from './scene.ts'

/** Leases count whole seconds; a process that starts on a busy machine must not lose one of less. */
const LEASE_SECONDS = 15

/** Which of the two sent a call: the SDK's user agent says it. */
const from = (name: string, { agent }: Pick<CallBoundary, 'agent'>) => agent.includes(`app/${name}`)

async function pair(t: ExecutionContext): Promise<{ on: Scene; leader: OperatorProcess; standby: OperatorProcess }> {
  const on = await scene(t)
  const start = (name: string) =>
    on.start({
      AWS_SDK_UA_APP_ID: name,
      MOORING_LEADER_ELECTION: 'true',
      MOORING_LEASE_NAMESPACE: on.namespace,
      MOORING_LEASE_DURATION_SECONDS: String(LEASE_SECONDS),
    })
  const leader = start('leader')
  await leader.saw('reconciling')
  const standby = start('standby')
  await standby.saw('serving')
  return { on, leader, standby }
}

async function ready({ actor: newActor, until }: Scene): Promise<Actor> {
  const actor = newActor({
    recovery: { backoffSeconds: 1, maxBackoffSeconds: 1 },
    rollout: { revisionHistoryLimit: 0 },
  })
  await actor.apply()
  await until('Ready', actor.ready)
  return actor
}

test('of two operators one acts', async (t) => {
  const { on, leader, standby } = await pair(t)
  const actor = await ready(on)
  await actor.patch({ spec: { environment: { MODE: 'new' } } })
  await on.until('Ready again', () => actor.ready() && actor.object()?.metadata.generation === 2)
  t.deepEqual(await actor.removed(), [])
  const others = on.cloud.calls().filter((call) => !from('leader', call))
  t.deepEqual(others, [])
  t.true(leader.alive() && standby.alive())
})

type Act = {
  operation: string
  fromReady: boolean
  act(actor: Actor): Promise<void>
  over(actor: Actor): boolean
  effective: Record<string, number>
}
const ACTS: Act[] = [
  {
    operation: 'CreateEndpoint',
    fromReady: false,
    act: (actor) => actor.apply(),
    over: (actor) => actor.ready(),
    effective: { CreateModel: 1, CreateEndpointConfig: 1, CreateEndpoint: 1 },
  },
  {
    operation: 'UpdateEndpoint',
    fromReady: true,
    act: (actor) => actor.patch({ spec: { environment: { MODE: 'new' } } }),
    over: (actor) => actor.ready() && actor.object()?.metadata.generation === 2,
    effective: { CreateModel: 1, CreateEndpointConfig: 1, UpdateEndpoint: 1, DeleteModel: 1, DeleteEndpointConfig: 1 },
  },
  {
    operation: 'DeleteEndpoint',
    fromReady: true,
    act: (actor) => actor.remove(),
    over: (actor) => actor.object() === undefined,
    effective: { DeleteEndpoint: 1, DeleteEndpointConfig: 1, DeleteModel: 1 },
  },
]

for (const phase of ['before', 'after'] as const)
  for (const { operation, fromReady, act, over, effective } of ACTS)
    test(`a leader killed ${phase} ${operation} is succeeded when its lease has run out, and nothing is done twice`, async (t) => {
      const { on, leader, standby } = await pair(t)
      const actor = fromReady ? await ready(on) : on.actor()
      on.cloud.resetCalls()
      let killed = false
      on.hook.onCall = async (boundary) => {
        if (killed || boundary.operation !== operation || boundary.phase !== phase) return undefined
        killed = true
        await leader.kill()
        return 'drop'
      }
      await act(actor)
      await on.until(`${operation}, and its end`, () => killed && over(actor))
      t.true(standby.alive())
      t.deepEqual(on.effective(), effective)
      const calls = on.cloud.calls()
      const last = calls.findLastIndex((call) => from('leader', call))
      const others = calls.slice(0, last).filter((call) => !from('leader', call))
      t.deepEqual(others, [], 'the standby did nothing while the other led')
      t.true(calls.slice(last + 1).length > 0)
      delete on.hook.onCall
      t.deepEqual(await actor.removed(), [])
    })

test('a leader that was stalled beyond its lease ends without deleting what its successor has made', async (t) => {
  const { on, leader } = await pair(t)
  const actor = await ready(on)
  const first = actor.endpoint()
  let looks = 0
  let stalledAt = 0
  // Its second look at the failed endpoint is the one that it deletes it by.
  on.hook.onCall = ({ phase, operation, output }) => {
    if (phase === 'after' && operation === 'DescribeEndpoint' && output?.EndpointStatus === 'Failed' && ++looks === 2) {
      leader.child.kill('SIGSTOP')
      stalledAt = on.cloud.calls().length
    }
    return undefined
  }
  on.cloud.setFault({ name: 'endpoint.fails-in-service', subject: actor.endpointName, times: 1 })
  const again = () => actor.endpoint()?.CreationTime
  await on.until('another endpoint, made by the successor', () => {
    const made = again()
    return made !== undefined && String(made) !== String(first?.CreationTime) && actor.ready()
  })
  const made = again()
  const exit = once(leader.child, 'exit')
  leader.child.kill('SIGCONT')
  const [code] = await exit
  t.is(code, 1)
  t.true(leader.lines.some(({ msg }) => /lease|cannot go on/.test(msg)))
  const afterwards = on.cloud
    .calls()
    .slice(stalledAt)
    .filter((call) => from('leader', call))
  t.deepEqual(afterwards, [], 'it did nothing more')
  t.deepEqual(again(), made)
  t.is(actor.endpoint()?.EndpointStatus, 'InService')
  t.deepEqual(await actor.removed(), [])
})
