import test, { type ExecutionContext } from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import type { JsonObject } from '../../../local/service.ts'
import { arn, eventually, world } from './world.ts'

const SECOND = 1000
const CANARY = { Type: 'CANARY', WaitIntervalInSeconds: 600, CanarySize: { Type: 'CAPACITY_PERCENT', Value: 25 } }
const ALARMS = { AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'errors' }] } }
const canary = (of: JsonObject = {}) => ({ BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: CANARY, ...of } })
const rolling = (of: JsonObject = {}) => ({
  RollingUpdatePolicy: {
    MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 50 },
    WaitIntervalInSeconds: 600,
    ...of,
  },
})

/** Endpoint `a` on configuration `a`, and a configuration `b` to move to; time stands still. */
async function deployed(t: ExecutionContext, { count = 4, async = undefined as false | undefined } = {}) {
  const clock = virtualClock()
  const randoms: number[] = []
  const w = world(t, { clock, random: () => randoms.shift() ?? 0 })
  w.alarm('errors', 'OK')
  for (const name of ['a', 'b'])
    await w.config(name, {
      repository: 'echo',
      ...(async === undefined ? {} : { async }),
      container: { Environment: { FLEET: name } },
      variant: { InitialInstanceCount: count },
    })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
  const pending = async () => {
    const seen = (await w.describe('a')).PendingDeploymentSummary as JsonObject | undefined
    return (seen?.ProductionVariants as JsonObject[] | undefined)?.[0]
  }
  const order = { environment: true }
  const fleetIn = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString()).environment.FLEET as string
  return {
    w,
    clock,
    randoms,
    pending,
    update: (deployment: JsonObject, of: JsonObject = {}) =>
      w.call('UpdateEndpoint', {
        EndpointName: 'a',
        EndpointConfigName: 'b',
        DeploymentConfig: deployment,
        ...of,
      }),
    /** Waits until the new variant bakes with such a message. */
    baking: (message: RegExp) =>
      eventually(async () => {
        const [status] = ((await pending())?.VariantStatus as JsonObject[] | undefined) ?? []
        return status?.Status === 'Baking' && message.test(String(status.StatusMessage)) ? status : undefined
      }, `baking: ${message}`),
    /** Who answered so many requests, one after the other. */
    async answers(requests: number) {
      const by: Record<string, number> = {}
      for (let index = 0; index < requests; index++) {
        const accepted = await w.call('InvokeEndpointAsync', {
          EndpointName: 'a',
          Body: Buffer.from(JSON.stringify(order)),
        })
        const { body } = await eventually(() => w.objects.get(String(accepted.OutputLocation)), 'the answer')
        by[fleetIn(body)] = (by[fleetIn(body)] ?? 0) + 1
      }
      return by
    },
    async answer() {
      const { Body } = await w.call('InvokeEndpoint', { EndpointName: 'a', Body: Buffer.from(JSON.stringify(order)) })
      return fleetIn(Body as Uint8Array)
    },
    current: async () => {
      const [variant] = (await w.describe('a')).ProductionVariants as JsonObject[]
      return variant?.CurrentInstanceCount
    },
    /**
     * Waits until so many instances of all fleets are there: started, maybe more than once, and not terminated. A container's last
     * line may come after its end.
     */
    containers: (count: number) =>
      eventually(() => {
        const logs = w.streams('a').map((stream) => w.linesOf('a', stream))
        const there = logs.filter((lines) => lines.includes('started with serve') && !lines.includes('SIGTERM'))
        return there.length === count ? count : undefined
      }, `${count} instances to be there`),
  }
}

test('a canary gets its share of the queue while it bakes, then all of it, and the old fleet ends after the last wait', async (t) => {
  const { w, clock, update, baking, answers, containers, pending } = await deployed(t)
  await update(canary({ TerminationWaitInSeconds: 300 }))
  t.is(
    (await baking(/WaitInterval/)).StatusMessage,
    'Baking for 600 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s).',
  )
  // On a busy machine one of them may just be replaced.
  await eventually(async () => (await pending())?.CurrentInstanceCount === 4 || undefined, 'four new instances')
  t.like(await pending(), { CurrentWeight: 0.25, DesiredWeight: 1, DesiredInstanceCount: 4 })
  t.deepEqual(await answers(8), { a: 6, b: 2 })
  await clock.advance(600 * SECOND - 1)
  t.deepEqual(await answers(4), { a: 3, b: 1 })
  await clock.advance(1)
  await baking(/^Baking for 300 seconds \(TerminationWaitInSeconds\)/)
  t.deepEqual(await answers(4), { b: 4 })
  t.like(await w.describe('a'), { EndpointStatus: 'Updating', EndpointConfigName: 'a' })
  t.is(await containers(8), 8)
  await clock.advance(300 * SECOND)
  const done = await w.until('a', 'InService')
  t.like(done, { EndpointConfigName: 'b', PendingDeploymentSummary: undefined, FailureReason: undefined })
  t.like(done.LastDeploymentConfig, canary({ TerminationWaitInSeconds: 300 }))
  t.like((done.ProductionVariants as object[])[0], { CurrentWeight: 1, CurrentInstanceCount: 4 })
  t.is(await containers(4), 4)
})

test('real-time requests are parted by share too, and a linear deployment moves step by step', async (t) => {
  const { w, clock, update, baking, randoms, answer } = await deployed(t, { count: 2, async: false })
  await update({
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: {
        Type: 'LINEAR',
        WaitIntervalInSeconds: 60,
        LinearStepSize: { Type: 'CAPACITY_PERCENT', Value: 40 },
      },
    },
  })
  const fleets = async () => {
    const by: string[] = []
    for (const point of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      randoms.splice(0, randoms.length, point, 0)
      by.push(await answer())
    }
    return by.join('')
  }
  await baking(/step capacity of 1 instance/)
  t.is(await fleets(), 'aaabb')
  await clock.advance(60 * SECOND)
  await baking(/step capacity of 2 instance/)
  t.is(await fleets(), 'abbbb')
  await clock.advance(60 * SECOND)
  t.is((await w.until('a', 'InService')).EndpointConfigName, 'b')
  t.is(await fleets(), 'bbbbb')
})

test('an alarm that fires while the canary bakes brings all traffic back to the old configuration', async (t) => {
  const { w, clock, update, baking, answers, containers } = await deployed(t)
  await update({ ...canary(), ...ALARMS })
  await baking(/canary/)
  await clock.advance(10 * SECOND)
  w.alarm('other', 'ALARM')
  t.is((await w.describe('a')).EndpointStatus, 'Updating')
  w.alarm('errors', 'ALARM')
  const back = await w.until('a', 'InService')
  t.like(back, {
    EndpointConfigName: 'a',
    PendingDeploymentSummary: undefined,
    FailureReason:
      'The deployment was rolled back because one or more of its CloudWatch alarms went into ALARM: errors.',
  })
  t.deepEqual(await answers(4), { a: 4 })
  t.is(await containers(4), 4)
  t.is(w.alarmListeners.size, 0)
  w.alarm('errors', 'OK')
  await update(canary())
  t.is((await w.describe('a')).FailureReason, undefined)
})

test('an alarm that fires in the last wait, with all traffic on the new fleet, still rolls back', async (t) => {
  const { w, update, baking, answers } = await deployed(t, { count: 1 })
  const all = { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 }
  await update({
    BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: all, TerminationWaitInSeconds: 600 },
    ...ALARMS,
  })
  await baking(/TerminationWait/)
  t.deepEqual(await answers(2), { b: 2 })
  w.alarm('errors', 'ALARM')
  t.is((await w.until('a', 'InService')).EndpointConfigName, 'a')
  t.deepEqual(await answers(2), { a: 2 })
})

test('an alarm that is in ALARM already ends the deployment before it starts anything', async (t) => {
  const { w, update, containers } = await deployed(t, { count: 1 })
  const started = w.lines('a').length
  w.alarm('errors', 'ALARM')
  await update({ ...canary(), ...ALARMS })
  t.regex(String((await w.until('a', 'InService')).FailureReason), /went into ALARM: errors/)
  t.is(w.lines('a').length, started)
  t.is(await containers(1), 1)
})

test('a deployment that takes longer than it may is rolled back, whatever it waits for', async (t) => {
  const { w, clock, update } = await deployed(t, { count: 1 })
  w.faults.set({ name: 'endpoint.stuck-updating' })
  await update(canary({ MaximumExecutionTimeoutInSeconds: 600 }))
  await clock.advance(599 * SECOND)
  t.is((await w.describe('a')).EndpointStatus, 'Updating')
  await clock.advance(SECOND)
  t.like(await w.until('a', 'InService'), {
    EndpointConfigName: 'a',
    FailureReason:
      'The deployment was rolled back because it exceeded its MaximumExecutionTimeoutInSeconds of 600 seconds.',
  })
})

test('a rolling deployment replaces the fleet batch by batch', async (t) => {
  const { w, clock, update, baking, answers, containers, current } = await deployed(t)
  await update(rolling())
  await baking(/step capacity of 2 instance/)
  t.deepEqual(await answers(4), { a: 2, b: 2 })
  t.is(await containers(6), 6)
  await clock.advance(600 * SECOND)
  await baking(/step capacity of 4 instance/)
  t.is(await current(), 2)
  t.deepEqual(await answers(4), { b: 4 })
  await clock.advance(600 * SECOND)
  t.like(await w.until('a', 'InService'), { EndpointConfigName: 'b' })
  t.is(await current(), 4)
  t.is(await containers(4), 4)
})

test('a rolling deployment that fails brings the old fleet back to its size', async (t) => {
  const { w, clock, update, baking, answers, containers, current } = await deployed(t)
  const RollbackMaximumBatchSize = { Type: 'CAPACITY_PERCENT', Value: 25 }
  await update({ ...rolling({ RollbackMaximumBatchSize }), ...ALARMS })
  await baking(/step capacity of 2/)
  await clock.advance(600 * SECOND)
  await baking(/step capacity of 4/)
  w.alarm('errors', 'ALARM')
  t.like(await w.until('a', 'InService'), { EndpointConfigName: 'a' })
  t.is(await current(), 4)
  t.is(await containers(4), 4)
  t.deepEqual(await answers(3), { a: 3 })
})

test('a rolling deployment whose rollback fails serves with both configurations until an update or a deletion', async (t) => {
  const { w, clock, update, baking, answers, containers } = await deployed(t)
  await update({ ...rolling(), ...ALARMS })
  await baking(/step capacity of 2/)
  w.faults.set({ name: 'endpoint.rollback-fails', times: 1 })
  w.alarm('errors', 'ALARM')
  const stuck = await w.until('a', 'UpdateRollbackFailed')
  t.like(stuck, { EndpointConfigName: 'a', PendingDeploymentSummary: undefined })
  t.regex(String(stuck.FailureReason), /went into ALARM/)
  t.deepEqual(await answers(4), { a: 2, b: 2 })
  t.is(await containers(6), 6)
  w.faults.set({ name: 'endpoint.update-fails', reason: 'Not this time.', times: 1 })
  await update(rolling())
  await eventually(async () => (await w.describe('a')).FailureReason === 'Not this time.' || undefined, 'the rollback')
  t.is((await w.describe('a')).EndpointStatus, 'UpdateRollbackFailed')
  t.deepEqual(await answers(4), { a: 2, b: 2 })
  t.is(await containers(6), 6)
  w.alarm('errors', 'OK')
  await update(rolling())
  await baking(/step capacity of 2/)
  await clock.advance(600 * SECOND)
  await baking(/step capacity of 4/)
  await clock.advance(600 * SECOND)
  t.is((await w.until('a', 'InService')).EndpointConfigName, 'b')
  t.deepEqual(await answers(3), { b: 3 })
  t.is(await containers(4), 4)
})

test('an old fleet that finds no capacity to come back to leaves UpdateRollbackFailed, which can be deleted', async (t) => {
  const { w, clock, update, baking, containers } = await deployed(t, { count: 2 })
  await update({ ...rolling(), ...ALARMS })
  await baking(/step capacity of 1/)
  await clock.advance(600 * SECOND)
  await baking(/step capacity of 2/)
  w.faults.set({ name: 'instance.capacity' })
  w.alarm('errors', 'ALARM')
  await w.until('a', 'UpdateRollbackFailed')
  await w.call('DeleteEndpoint', { EndpointName: 'a' })
  await w.gone('a')
  t.is(await containers(0), 0)
})

test('an update with a deployment policy of an endpoint at zero starts nothing', async (t) => {
  const { w, clock, update, baking, containers } = await deployed(t, { count: 1 })
  await w.sagemaker.setDesired('a', 'AllTraffic', 0)
  for (const policy of [canary(), rolling()]) {
    await update(policy, { RetainAllVariantProperties: true })
    await baking(/of 0 instance/)
    await clock.advance(600 * SECOND)
    const done = await w.until('a', 'InService')
    t.is(done.EndpointConfigName, 'b')
    t.like((done.ProductionVariants as object[])[0], { CurrentInstanceCount: 0, DesiredInstanceCount: 0 })
  }
  t.is(await containers(0), 0)
})

test('the last deployment policy is used again when it is retained', async (t) => {
  const { w, clock, update, baking } = await deployed(t, { count: 1 })
  const policy = canary()
  await update(policy)
  await baking(/canary/)
  await clock.advance(600 * SECOND)
  await w.until('a', 'InService')
  await w.call('UpdateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a', RetainDeploymentConfig: true })
  await baking(/canary/)
  await clock.advance(600 * SECOND)
  t.like(await w.until('a', 'InService'), { EndpointConfigName: 'a', LastDeploymentConfig: policy })
})

test('a policy out of its limits is refused at once, at creation and at update', async (t) => {
  const w = world(t)
  await w.config('a', { variant: { InitialInstanceCount: 4 } })
  await w.call('CreateEndpoint', { EndpointName: 'a', EndpointConfigName: 'a' })
  await w.until('a', 'InService')
  const refused = async (DeploymentConfig: JsonObject, message: RegExp) => {
    for (const [operation, name] of [
      ['UpdateEndpoint', 'a'],
      ['CreateEndpoint', 'b'],
    ] as const)
      await t.throwsAsync(
        w.call(operation, { EndpointName: name, EndpointConfigName: 'a', DeploymentConfig }),
        { name: 'ValidationException', message },
        `${operation} ${JSON.stringify(DeploymentConfig)}`,
      )
  }
  const routing = (of: JsonObject, more: JsonObject = {}) => ({
    BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { ...CANARY, ...of }, ...more },
  })
  const percent = (Value: number) => ({ Type: 'CAPACITY_PERCENT', Value })
  const count = (Value: number) => ({ Type: 'INSTANCE_COUNT', Value })
  const linear = (LinearStepSize: JsonObject) => routing({ Type: 'LINEAR', CanarySize: undefined, LinearStepSize })

  await refused({ ...canary(), ...rolling() }, /cannot both be specified/)
  await refused({ BlueGreenUpdatePolicy: {} }, /trafficRoutingConfiguration' failed .* must not be null/)
  await refused(routing({ Type: 'SLOWLY' }), /enum value set: \[ALL_AT_ONCE, CANARY, LINEAR\]/)
  await refused(routing({ WaitIntervalInSeconds: undefined }), /waitIntervalInSeconds' failed .* must not be null/)
  await refused(routing({ WaitIntervalInSeconds: 3601 }), /less than or equal to 3600/)
  await refused(routing({}, { TerminationWaitInSeconds: 3601 }), /less than or equal to 3600/)
  await refused(routing({}, { MaximumExecutionTimeoutInSeconds: 599 }), /greater than or equal to 600/)
  await refused(routing({ CanarySize: undefined }), /CanarySize must be specified/)
  await refused(routing({ LinearStepSize: percent(10) }), /LinearStepSize can only be specified/)
  await refused(routing({ CanarySize: percent(51) }), /CanarySize must be less than or equal to 50%/)
  await refused(routing({ CanarySize: count(3) }), /CanarySize must be less than or equal to 50%/)
  await refused(routing({ CanarySize: percent(0) }), /greater than or equal to 1/)
  await refused(linear(percent(9)), /LinearStepSize must be between 10% and 50%/)
  await refused(linear(count(3)), /LinearStepSize must be between 10% and 50%/)
  await refused(rolling({ MaximumBatchSize: percent(4) }), /MaximumBatchSize must be between 5% and 50%/)
  await refused(rolling({ MaximumBatchSize: count(3) }), /MaximumBatchSize must be between 5% and 50%/)
  await refused(rolling({ MaximumBatchSize: undefined }), /maximumBatchSize' failed .* must not be null/)
  await refused(rolling({ RollbackMaximumBatchSize: percent(101) }), /less than or equal to 100%/)
  await refused(rolling({ MaximumExecutionTimeoutInSeconds: 28_801 }), /less than or equal to 28800/)
  await refused({ AutoRollbackConfiguration: { Alarms: [] } }, /length greater than or equal to 1/)
  await refused({ ...canary(), ...ALARMS }, /Could not find the CloudWatch alarm\(s\) .*: errors\./)
  t.is((await w.describe('a')).EndpointStatus, 'InService')
  await t.throwsAsync(w.describe('b'), { message: `Could not find endpoint "${arn('endpoint', 'b')}".` })
})
