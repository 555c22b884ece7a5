import test from 'ava'
import fc from 'fast-check'
import { Lifetime } from '../../../inference-server/core/lifetime.ts'
import { fixedBatchLimit, learnedBatchLimit } from '../../../inference-server/runtime/batch-limit.ts'
import { type Job, jobQueue } from '../../../inference-server/runtime/queue.ts'

const lifetime = new Lifetime(1_000_000)
test.after.always(() => lifetime.end())

function job(batch: Job['batch']): Job {
  return {
    operation: 'run',
    payload: undefined,
    lifetime,
    transfer: [],
    batch,
    arrived: 0,
    settled: false,
    onTimes: undefined,
    succeed() {},
    fail() {},
  }
}

test('every job leaves once, the one that waited longest in each batch, and no batch exceeds the limit unless one job does', (t) => {
  const arrivals = fc.array(
    fc.oneof(
      fc.constant(undefined),
      fc.record({ key: fc.constantFrom('a', 'b'), items: fc.integer({ min: 1, max: 12 }) }),
    ),
    { minLength: 1, maxLength: 60 },
  )
  const times = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(arrivals, times, fc.integer({ min: 1, max: 8 }), (batches, durations, maxItems) => {
      const limit = learnedBatchLimit(maxItems)
      const queue = jobQueue(
        { limit, delayMs: 0 },
        () => 0,
        () => {},
      )
      const jobs = batches.map(job)
      for (const each of jobs) queue.add(each)
      const left = new Set(jobs)
      for (let turn = 0; queue.length > 0; turn++) {
        const [longest] = left
        const taken = queue.take() ?? []
        t.is(taken[0], longest)
        const items = taken.reduce((sum, { batch }) => sum + (batch?.items ?? 1), 0)
        t.true(taken.length === 1 || items <= maxItems)
        for (const each of taken) t.true(left.delete(each))
        const key = taken[0]?.batch?.key
        if (key !== undefined) limit.observe(key, items, durations[turn % durations.length] ?? 1)
      }
      t.is(left.size, 0)
    }),
  )
})

test('jobs that bring a limit of their own are batched by that one, from the first', (t) => {
  const queue = jobQueue(
    { limit: learnedBatchLimit(32), delayMs: 0 },
    () => 0,
    () => {},
  )
  const batch = { key: 'a', items: 1 }
  for (let count = 0; count < 5; count++) queue.add(job({ ...batch, limit: fixedBatchLimit(4) }))
  t.is(queue.take()?.length, 4)
  queue.clear()
  for (let count = 0; count < 5; count++) queue.add(job(batch))
  t.is(queue.take()?.length, 1, 'of the others it is learnt')
})
