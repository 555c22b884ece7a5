import test from 'ava'
import { throttled } from '../../bench/throttled-run.ts'
import { startControlPlane } from '../../local/control-plane/control-plane.ts'

test('40 endpoints under a rate limit far below their demand all become Ready, and a namespace with one is not put behind all others', async (t) => {
  t.timeout(5 * 60_000)
  // Of its own: the operator works on every namespace there is.
  const plane = await startControlPlane()
  t.teardown(() => plane.stop())
  const sizes = { 'team-a': 13, 'team-b': 13, 'team-c': 13, alone: 1 }
  const {
    readyAfter,
    passedBy,
    calls,
    throttled: refused,
  } = await throttled({
    plane,
    sizes,
    perSecond: 20,
    factor: 10,
    limitMs: 4 * 60_000,
    note: () => {},
  })
  t.is(Object.keys(readyAfter).length, 4)
  // A turn each for the others, and what eight workers had begun.
  t.true((passedBy.alone ?? Number.NaN) < 20, JSON.stringify(passedBy))
  t.true(refused > 0, 'the limit was met')
  t.true(refused < calls / 2, `${refused} of ${calls} calls were throttled`)
  t.log(`${calls} calls, ${refused} throttled, Ready after ${JSON.stringify(readyAfter)} s`)
})
