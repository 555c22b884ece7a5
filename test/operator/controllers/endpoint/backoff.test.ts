import test from 'ava'
import fc from 'fast-check'
import { backoffMs } from '../../../../operator/controllers/endpoint/recovery.ts'

test('the pause doubles with each attempt up to the limit, and is shortened by up to a fifth', (t) => {
  const recovery = { backoffSeconds: 30, maxBackoffSeconds: 1800 }
  t.deepEqual(
    [1, 2, 3, 7, 100].map((attempt) => backoffMs(attempt, recovery, () => 0)),
    [30_000, 60_000, 120_000, 1_800_000, 1_800_000],
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const full = backoffMs(attempt, recovery, () => 0)
      const pause = backoffMs(attempt, recovery, () => random)
      return pause <= full && pause >= Math.floor(full * 0.8)
    }),
  )
})
