import {
  DeleteScheduledActionCommand,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingActivitiesCommand,
  DescribeScheduledActionsCommand,
  PutScheduledActionCommand,
  type PutScheduledActionCommandInput,
  RegisterScalableTargetCommand,
  type SuspendedState,
} from '@aws-sdk/client-application-auto-scaling'
import { DeleteEndpointCommand } from '@aws-sdk/client-sagemaker'
import test, { type ExecutionContext } from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import { eventually } from '../../operator/kube/support.ts'
import { cloudWithClients, endpointInService, instances } from '../cloud-clients.ts'

const VARIANT = {
  ServiceNamespace: 'sagemaker',
  ResourceId: 'endpoint/ep/variant/AllTraffic',
  ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
} as const
const HOUR = 3_600_000

/** An endpoint with a scalable target of 0 to 3 on a clock that stands still at midnight of 1 January 2026. */
async function world(t: ExecutionContext) {
  const clock = virtualClock()
  const { cloud, aws } = await cloudWithClients(t, { clock, delays: { metricPeriod: 24 * 365 * HOUR } })
  await endpointInService(aws)
  const register = (min: number, max: number, suspended?: SuspendedState) =>
    aws.scaling.send(
      new RegisterScalableTargetCommand({
        ...VARIANT,
        MinCapacity: min,
        MaxCapacity: max,
        ...(suspended ? { SuspendedState: suspended } : {}),
      }),
    )
  await register(0, 3)
  const put = (input: Partial<PutScheduledActionCommandInput> = {}) =>
    aws.scaling.send(
      new PutScheduledActionCommand({
        ...VARIANT,
        ScheduledActionName: 'morning',
        Schedule: 'cron(0 8 * * ? *)',
        ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 5 },
        ...input,
      }),
    )
  return {
    cloud,
    aws,
    clock,
    register,
    put,
    target: async () =>
      (await aws.scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' })))
        .ScalableTargets?.[0],
    actions: async () =>
      (await aws.scaling.send(new DescribeScheduledActionsCommand({ ServiceNamespace: 'sagemaker' })))
        .ScheduledActions ?? [],
    activities: async () =>
      (await aws.scaling.send(new DescribeScalingActivitiesCommand({ ServiceNamespace: 'sagemaker' })))
        .ScalingActivities ?? [],
    settled: (desired: number) =>
      eventually(`${desired} instances`, async () => {
        const seen = await instances(aws)
        return seen.desired === desired && seen.status === 'InService'
      }),
  }
}

test('an action that could never run, or of no target, is refused', async (t) => {
  const { aws, put } = await world(t)
  const refused = (input: Partial<PutScheduledActionCommandInput>, message: RegExp) =>
    t.throwsAsync(put(input), { name: 'ValidationException', message })
  await refused({ Schedule: 'cron(0 8 * * *)' }, /has 6 fields, not 5/)
  await refused({ Schedule: 'at(2025-12-31T00:00:00)' }, /never run/)
  await refused({ Timezone: 'Mars/Olympus' }, /Mars\/Olympus/)
  await refused({ EndTime: new Date('2026-01-01T07:00Z') }, /never run/)
  await refused({ StartTime: new Date(2e12), EndTime: new Date(1.9e12) }, /StartTime must be before/)
  await refused({ ScalableTargetAction: {} }, /MinCapacity, MaxCapacity or both/)
  await refused({ ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 1 } }, /cannot be less than/)
  await refused({ ScheduledActionName: 'a/b' }, /scheduled action name/)
  await t.throwsAsync(put({ ResourceId: 'endpoint/none/variant/AllTraffic' }), { name: 'ObjectNotFoundException' })
  const absent = new DeleteScheduledActionCommand({ ...VARIANT, ScheduledActionName: 'none' })
  await t.throwsAsync(aws.scaling.send(absent), { name: 'ObjectNotFoundException' })
})

test('a recurring action changes the bounds, and the count with them, day after day', async (t) => {
  const { clock, put, target, activities, settled } = await world(t)
  await put()
  await put({
    ScheduledActionName: 'evening',
    Schedule: 'cron(0 20 * * ? *)',
    ScalableTargetAction: { MinCapacity: 0, MaxCapacity: 0 },
  })
  await clock.advance(8 * HOUR - 1)
  t.is((await target())?.MaxCapacity, 3)
  await clock.advance(1)
  await settled(2)
  t.like(await target(), { MinCapacity: 2, MaxCapacity: 5 })
  t.like(await activities(), [
    { Cause: 'minimum capacity was set to 2', Description: 'Setting desired instance count to 2.' },
    {
      Cause: 'scheduled action name morning was triggered',
      Description: 'Setting min capacity to 2 and max capacity to 5',
      StatusCode: 'Successful',
    },
  ])
  await clock.advance(12 * HOUR)
  await settled(0)
  await clock.advance(12 * HOUR)
  await settled(2)
  t.pass()
})

test('an action in a time zone runs at local time, from its start to its end', async (t) => {
  const { clock, put, actions, target } = await world(t)
  await put({
    Timezone: 'Asia/Tokyo',
    StartTime: new Date('2026-01-02T00:00Z'),
    EndTime: new Date('2026-01-03T00:00Z'),
  })
  t.like((await actions())[0], { Timezone: 'Asia/Tokyo', StartTime: new Date('2026-01-02T00:00Z') })
  await clock.advance(46 * HOUR)
  t.is((await target())?.MinCapacity, 0)
  await clock.advance(HOUR)
  t.is((await target())?.MinCapacity, 2)
})

test('an action put again keeps what it does not name, but for its start and end', async (t) => {
  const { put, actions, aws } = await world(t)
  await put({ Timezone: 'Asia/Tokyo', StartTime: new Date('2026-01-02T00:00Z') })
  const [before] = await actions()
  await aws.scaling.send(
    new PutScheduledActionCommand({
      ...VARIANT,
      ScheduledActionName: 'morning',
      ScalableTargetAction: { MaxCapacity: 7 },
    }),
  )
  const [after] = await actions()
  t.like(after, {
    ScheduledActionARN: before?.ScheduledActionARN,
    Schedule: 'cron(0 8 * * ? *)',
    Timezone: 'Asia/Tokyo',
    ScalableTargetAction: { MaxCapacity: 7 },
    StartTime: undefined,
  })
})

test('a scheduled change that meets an endpoint in progress moves the bounds and says what it could not do', async (t) => {
  const { cloud, clock, put, target, activities, register } = await world(t)
  await put({ ScalableTargetAction: { MinCapacity: 4, MaxCapacity: 5 } })
  cloud.setFault({ name: 'endpoint.stuck-updating' })
  await register(3, 3)
  await clock.advance(8 * HOUR)
  t.like(await target(), { MinCapacity: 4, MaxCapacity: 5 })
  const [refused] = await activities()
  t.like(refused, { Cause: 'minimum capacity was set to 4', StatusCode: 'Failed' })
  t.regex(refused?.StatusMessage ?? '', /Cannot update in-progress endpoint/)
})

test('what is suspended stays so until it is resumed, and is shown', async (t) => {
  const { clock, put, target, register, activities } = await world(t)
  await put()
  t.deepEqual((await target())?.SuspendedState, {
    DynamicScalingInSuspended: false,
    DynamicScalingOutSuspended: false,
    ScheduledScalingSuspended: false,
  })
  await register(0, 3, { ScheduledScalingSuspended: true })
  await register(0, 4)
  t.true((await target())?.SuspendedState?.ScheduledScalingSuspended)
  await clock.advance(8 * HOUR)
  t.like(await target(), { MinCapacity: 0, MaxCapacity: 4 })
  t.deepEqual(await activities(), [])
  await register(0, 4, { ScheduledScalingSuspended: false })
  await clock.advance(24 * HOUR)
  t.like(await target(), { MinCapacity: 2, MaxCapacity: 5 })
})

test('deleted, an action runs no more; deregistering the target and deleting the endpoint take its actions along', async (t) => {
  const { aws, clock, put, target, actions, register } = await world(t)
  await put()
  await aws.scaling.send(new DeleteScheduledActionCommand({ ...VARIANT, ScheduledActionName: 'morning' }))
  await clock.advance(9 * HOUR)
  t.is((await target())?.MinCapacity, 0)
  await put()
  await aws.scaling.send(new DeregisterScalableTargetCommand(VARIANT))
  t.deepEqual(await actions(), [])
  await register(0, 3)
  await put()
  await aws.sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'ep' }))
  t.deepEqual(await actions(), [])
})
