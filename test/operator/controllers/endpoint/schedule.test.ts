import {
  ApplicationAutoScalingClient,
  DescribeScalableTargetsCommand,
  DescribeScheduledActionsCommand,
  PutScheduledActionCommand,
} from '@aws-sdk/client-application-auto-scaling'
import test from 'ava'
import { scaledClock } from '../../../../local/clock.ts'
import { cloudForFile, isTrue, world } from '../world.ts'

// An hour of the cloud's clock every three seconds.
const cloud = await cloudForFile({ clock: scaledClock(1200) })
test.after.always(() => cloud.stop())
const scaling = new ApplicationAutoScalingClient()
const variant = (name: string) =>
  ({
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${name}/variant/AllTraffic`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  }) as const
async function bounds(name: string): Promise<string> {
  const { ServiceNamespace, ResourceId } = variant(name)
  const { ScalableTargets = [] } = await scaling.send(
    new DescribeScalableTargetsCommand({ ServiceNamespace, ResourceIds: [ResourceId] }),
  )
  const [target] = ScalableTargets
  return `${target?.MinCapacity}-${target?.MaxCapacity}`
}
async function actions(name: string): Promise<string[]> {
  const { ScheduledActions = [] } = await scaling.send(new DescribeScheduledActionsCommand(variant(name)))
  return ScheduledActions.map(({ ScheduledActionName = '' }) => ScheduledActionName).sort()
}

test('a schedule changes the bounds at its time, and is not taken for a change by somebody else', async (t) => {
  const w = await world({ intervals: { settled: 200, verify: 300 } })
  t.teardown(() => w.stop())
  const schedule = [{ name: 'more', schedule: 'rate(1 hour)', minInstances: 2, maxInstances: 3 }]
  await w.apply({ spec: { scaling: { minInstances: 0, maxInstances: 3, schedule } } })
  await w.ready()
  const name = await w.nameInCloud()
  await w.until('the scheduled bounds', async () => (await bounds(name)) === '2-3')
  await w.until('two instances', ({ status }) => status?.instances?.current === 2)
  const { DescribeScalableTargets: before = 0 } = await w.calls()
  await w.until('three checks', async () => ((await w.calls()).DescribeScalableTargets ?? 0) >= before + 3)
  t.is(await bounds(name), '2-3')
  t.false((await w.events()).some(({ reason }) => reason === 'AutoscalingRestored'))
  // An edit of something else leaves them; an edit of the bounds counts from then on.
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  await w.until('Ready', (seen) => seen.status?.currentRevision === 2 && isTrue(seen, 'Ready'))
  t.is(await bounds(name), '2-3')
  await w.patch({ spec: { scaling: { maxInstances: 5 } } })
  await w.until('the new bounds', async () => (await bounds(name)) === '0-5')
})

test('scheduled actions follow the spec: changed, taken out, and restored when somebody meddles', async (t) => {
  const w = await world({ intervals: { settled: 200, verify: 300 } })
  t.teardown(() => w.stop())
  const morning = { name: 'morning', schedule: 'cron(0 8 ? * MON-FRI *)', timezone: 'Europe/Berlin', minInstances: 1 }
  const evening = { name: 'evening', schedule: 'cron(0 20 ? * MON-FRI *)', timezone: 'Europe/Berlin', minInstances: 0 }
  await w.apply({ spec: { scaling: { minInstances: 0, maxInstances: 1, schedule: [morning, evening] } } })
  await w.ready()
  const name = await w.nameInCloud()
  t.deepEqual(await actions(name), [`${name}-schedule-evening`, `${name}-schedule-morning`])
  const foreign = { ...variant(name), ScheduledActionName: 'by-hand', Schedule: 'cron(0 1 1 1 ? 2099)' }
  await scaling.send(new PutScheduledActionCommand({ ...foreign, ScalableTargetAction: { MinCapacity: 0 } }))
  await scaling.send(
    new PutScheduledActionCommand({
      ...variant(name),
      ScheduledActionName: `${name}-schedule-morning`,
      Schedule: 'rate(5 days)',
      ScalableTargetAction: { MinCapacity: 1 },
    }),
  )
  await w.until('the event', async () => (await w.events()).some(({ note }) => /scheduled action .*morning/.test(note)))
  await w.patch({ spec: { scaling: { schedule: [morning] } } })
  await w.until('one less', async () => !(await actions(name)).includes(`${name}-schedule-evening`))
  t.deepEqual(await actions(name), ['by-hand', `${name}-schedule-morning`], 'what is not ours stays')
  await w.patch({ spec: { scaling: { schedule: null } } })
  await w.until('none', async () => (await actions(name)).join() === 'by-hand')
})

test('a maximum of 0 suspends the endpoint, and a higher one lets it run again', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await w.patch({ spec: { scaling: { maxInstances: 0 } } })
  const suspended = await w.until('Suspended', (seen) => seen.status?.phase === 'Suspended' && seen)
  t.is(suspended.status?.instances?.summary, '0/0 (0-0)')
  await w.patch({ spec: { scaling: { minInstances: 1, maxInstances: 1 } } })
  await w.until('running', ({ status }) => status?.instances?.current === 1)
  t.pass()
})
