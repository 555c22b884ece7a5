import test from 'ava'
import {
  failedItsTest,
  nextTest,
  revisionOf,
  type Situation,
} from '../../../../operator/controllers/endpoint/smoke-test-due.ts'

const MADE = new Date('2026-01-01T00:00:00Z')
const TEST = { contentType: 'text/plain' }
const REVISION = revisionOf(MADE, 'config-a', TEST)
const FINISHED = '2026-01-01T01:00:00Z'
const minutes = (count: number) => new Date(Date.parse(FINISHED) + count * 60_000)
const passed = {
  revision: REVISION,
  result: 'Passed' as const,
  trigger: 'Created' as const,
  endpointConfigName: 'config-a',
  startedAt: FINISHED,
  finishedAt: FINISHED,
}
const next = (situation: Partial<Situation>) =>
  nextTest({
    last: passed,
    revision: REVISION,
    annotation: undefined,
    instances: { current: 1, desired: 1 },
    suspended: false,
    wake: false,
    intervalSeconds: undefined,
    now: minutes(1),
    ...situation,
  })
const AT_ZERO = { current: 0, desired: 0 }

test('a test is owed to each new endpoint, configuration and test, and to nothing twice', (t) => {
  t.deepEqual(next({ last: undefined }), { do: 'send', trigger: 'Created' })
  t.deepEqual(next({ revision: revisionOf(minutes(9), 'config-a', TEST) }), { do: 'send', trigger: 'Created' })
  t.deepEqual(next({ revision: revisionOf(MADE, 'config-b', TEST) }), { do: 'send', trigger: 'Updated' })
  t.deepEqual(next({ revision: revisionOf(MADE, 'config-a', { contentType: 'a/b' }) }), {
    do: 'send',
    trigger: 'Updated',
  })
  t.is(revisionOf(MADE, 'config-a', { ...TEST, intervalSeconds: 3600 }), REVISION)
  t.deepEqual(next({ now: minutes(10_000) }), { do: 'keep', dueAt: undefined })
})

test('a suspended endpoint is not tested, whoever asks, since nothing can answer', (t) => {
  const suspended = { suspended: true, wake: true }
  t.deepEqual(next({ ...suspended, last: undefined }), { do: 'defer' })
  t.deepEqual(next({ ...suspended, annotation: 'one' }), { do: 'defer' })
  t.deepEqual(next({ ...suspended, last: { ...passed, result: 'Pending' } }), { do: 'defer' })
  t.deepEqual(next(suspended), { do: 'keep', dueAt: undefined })
})

test('at zero instances an update is deferred, unless it may wake the endpoint or the annotation asks', (t) => {
  const updated = { revision: revisionOf(MADE, 'config-b', TEST), instances: AT_ZERO }
  t.deepEqual(next(updated), { do: 'defer' })
  t.deepEqual(next({ ...updated, wake: true }), { do: 'send', trigger: 'Updated' })
  t.deepEqual(next({ ...updated, annotation: 'one' }), { do: 'send', trigger: 'Updated' })
  t.deepEqual(next({ ...updated, annotation: 'one', last: { ...passed, annotation: 'one' } }), { do: 'defer' })
  t.deepEqual(next({ ...updated, instances: { current: 0, desired: 1 } }), { do: 'send', trigger: 'Updated' })
})

test('the annotation asks once for each of its values, also at zero instances', (t) => {
  t.deepEqual(next({ annotation: 'one', instances: AT_ZERO }), { do: 'send', trigger: 'Annotation' })
  t.is(next({ annotation: 'one', last: { ...passed, annotation: 'one' } }).do, 'keep')
})

test('a schedule counts from the end of the last test, and skips what sleeps or is going to', (t) => {
  const hourly = { intervalSeconds: 3600 }
  t.deepEqual(next({ ...hourly, now: minutes(59) }), { do: 'keep', dueAt: minutes(60).getTime() })
  t.deepEqual(next({ ...hourly, now: minutes(60) }), { do: 'send', trigger: 'Schedule' })
  t.is(next({ ...hourly, now: minutes(600), instances: AT_ZERO }).do, 'keep')
  t.is(next({ ...hourly, now: minutes(600), instances: { current: 1, desired: 0 } }).do, 'keep')
  t.is(next({ ...hourly, now: minutes(600), instances: { current: 0, desired: 1 } }).do, 'keep')
})

test('the first failure is repeated soon; later pauses are longer than scaling in needs, and bounded by the interval', (t) => {
  const dueAfter = (failures: number, intervalSeconds = 86_400) => {
    const due = next({ intervalSeconds, last: { ...passed, failures }, now: new Date(FINISHED) })
    return due.do === 'keep' && ((due.dueAt ?? 0) - Date.parse(FINISHED)) / 60_000
  }
  t.deepEqual(
    [1, 2, 3, 4, 5].map((failures) => dueAfter(failures)),
    [1, 20, 40, 1440, 1440],
  )
  t.is(dueAfter(3, 3600), 40)
})

test('only a test for a new configuration, or one that was asked for, speaks against the configuration', (t) => {
  const failed = { ...passed, result: 'Failed' as const, trigger: 'Updated' as const }
  t.true(failedItsTest(failed, 'config-a'))
  t.false(failedItsTest(failed, 'config-b'))
  t.false(failedItsTest({ ...failed, result: 'Pending' }, 'config-a'))
  t.false(failedItsTest({ ...failed, trigger: 'Schedule' }, 'config-a'))
  t.true(failedItsTest({ ...failed, result: 'Pending', trigger: 'Schedule', last: failed }, 'config-a'))
  t.false(failedItsTest(undefined, 'config-a'))
})
