import test from 'ava'
import { Failure } from '../../../inference-server/core/errors.ts'
import { Lifetime } from '../../../inference-server/core/lifetime.ts'
import { fixedBatchLimit, learnedBatchLimit } from '../../../inference-server/runtime/batch-limit.ts'
import { type PoolOptions, workerPool } from '../../../inference-server/runtime/pool.ts'
import type { Merge } from '../../../inference-server/runtime/queue.ts'
import { eventually } from '../fixtures/world.ts'

type Fixture = Record<
  'echo' | 'crash' | 'refuse' | 'wait' | 'batch' | 'poison' | 'pick' | 'lump',
  { payload: unknown; result: unknown }
>

function aPool({ gate, ...options }: Partial<PoolOptions> & { gate?: Int32Array } = {}) {
  return workerPool<Fixture>({
    worker: new URL('../fixtures/worker.ts', import.meta.url),
    workerData: () => ({ gate }),
    size: 1,
    now: () => performance.now(),
    ...options,
  })
}

/** Far beyond the test's own end. */
const DISTANT_MS = 1_000_000
const unlimited = { lifetime: new Lifetime(DISTANT_MS) }
test.after.always(() => unlimited.lifetime.end())
const closedGate = () => new Int32Array(new SharedArrayBuffer(4))

test('a job whose worker crashes fails, and the next one runs on a new worker', async (t) => {
  const pool = aPool()
  await pool.start()
  const error = await t.throwsAsync(pool.run('crash', null, unlimited), { instanceOf: Failure })
  t.is(error?.code, 'WorkerCrashed')
  t.is(await pool.run('echo', 'after', unlimited), 'after')
  t.is(pool.stats().restarts, 1)
  t.is(pool.state(), 'ready')
  await pool.close()
})

test('jobs that wait behind a crash are not lost', async (t) => {
  const pool = aPool()
  await pool.start()
  const crash = pool.run('crash', null, unlimited)
  const behind = pool.run('echo', 'waited', unlimited)
  await t.throwsAsync(crash)
  t.is(await behind, 'waited')
  await pool.close()
})

test('three crashes within a minute are a crash loop, which ends when the minute is over', async (t) => {
  let time = 0
  const pool = aPool({ now: () => time })
  await pool.start()
  for (let n = 0; n < 3; n++) await t.throwsAsync(pool.run('crash', null, unlimited))
  t.is(pool.state(), 'crash-looping')
  time = 61_000
  t.is(pool.state(), 'ready')
  await pool.close()
})

test('a job that runs past its deadline is killed with its worker, and another worker takes over', async (t) => {
  const gate = closedGate()
  const pool = aPool({ gate })
  await pool.start()
  const job = pool.run('wait', null, { lifetime: new Lifetime(100) })
  t.is(pool.stats().busy, 1)
  const error = await t.throwsAsync(job, { instanceOf: Failure })
  t.is(error?.code, 'DeadlineExceeded')
  t.is(await pool.run('echo', 'alive', unlimited), 'alive')
  t.is(pool.state(), 'ready', 'a missed deadline is no crash')
  await pool.close()
})

test('a waiting job is dropped at its deadline or when its caller leaves, without harm to the running one', async (t) => {
  const gate = closedGate()
  const pool = aPool({ gate })
  await pool.start()
  const running = pool.run('wait', 'finished', unlimited)
  const departing = new Lifetime(DISTANT_MS)
  const late = pool.run('echo', 1, { lifetime: new Lifetime(50) })
  const left = pool.run('echo', 2, { lifetime: departing })
  t.is(pool.stats().waiting, 2)
  departing.leave()
  await t.throwsAsync(late, { message: /deadline/ })
  await t.throwsAsync(left, { message: /left/ })
  t.is(pool.stats().waiting, 0)
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  t.is(await running, 'finished')
  t.is(pool.stats().restarts, 0)
  await pool.close()
})

test('a job that the model refuses fails without its inner message, and the worker goes on', async (t) => {
  const pool = aPool()
  await pool.start()
  const error = await t.throwsAsync(pool.run('refuse', null, unlimited), { instanceOf: Failure })
  t.is(error?.code, 'ModelFailed')
  t.notRegex(error?.message ?? '', /secret/)
  t.is(await pool.run('echo', 1, unlimited), 1)
  t.is(pool.stats().restarts, 0)
  await pool.close()
})

test('two workers work at the same time', async (t) => {
  const gate = closedGate()
  const pool = aPool({ gate, size: 2 })
  await pool.start()
  const jobs = [pool.run('wait', 1, unlimited), pool.run('wait', 2, unlimited), pool.run('wait', 3, unlimited)]
  await eventually('both workers are busy', () => pool.stats().busy === 2)
  t.is(pool.stats().waiting, 1)
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  t.deepEqual(await Promise.all(jobs), [1, 2, 3])
  await pool.close()
})

/** Payloads in a list, results in a list. */
const merge: Merge = {
  join: (payloads) => ({ payload: payloads, transfer: [] }),
  split(result, payloads) {
    const results = result as unknown[]
    if (results.length !== payloads.length) throw new RangeError('not one for each')
    return results
  },
}
/** One for each pool: a limit remembers what could not be shared. */
const batching = () => ({ limit: fixedBatchLimit(4), delayMs: 0, merge })
const inBatch = { ...unlimited, batch: { key: 'same', items: 1 } }

test('what waits when a worker frees leaves as one batch, up to its limit', async (t) => {
  const gate = closedGate()
  const pool = aPool({ gate, batching: batching() })
  await pool.start()
  const running = pool.run('wait', null, unlimited)
  const waiting = Array.from({ length: 6 }, () => pool.run('batch', null, inBatch))
  const other = pool.run('batch', null, { ...unlimited, batch: { key: 'other', items: 1 } })
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  await running
  t.deepEqual(await Promise.all(waiting), [4, 4, 4, 4, 2, 2])
  t.is(await other, 1, 'another key is another batch')
  await pool.close()
})

test('one request that crashes its batch does not take the others with it', async (t) => {
  const gate = closedGate()
  const pool = aPool({ gate, batching: batching() })
  await pool.start()
  const running = pool.run('wait', null, unlimited)
  const jobs = ['a', 'poison', 'b'].map((payload) => pool.run('poison', payload, inBatch))
  const outcomes = Promise.allSettled(jobs)
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  await running
  t.like(await outcomes, [
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: { code: 'WorkerCrashed' } },
    { status: 'fulfilled', value: 'b' },
  ])
  await pool.close()
})

test('one request that a model refuses does not fail the others of its batch', async (t) => {
  const gate = closedGate()
  const pool = aPool({ gate, batching: batching() })
  await pool.start()
  const running = pool.run('wait', null, unlimited)
  const outcomes = Promise.allSettled(['a', 'bad', 'b'].map((payload) => pool.run('pick', payload, inBatch)))
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  await running
  t.like(await outcomes, [
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: { code: 'ModelFailed', cause: 'a bad one' } },
    { status: 'fulfilled', value: 'b' },
  ])
  await pool.close()
})

test('when a result cannot be divided among a batch, each of it is run alone', async (t) => {
  const gate = closedGate()
  const pool = aPool({ gate, batching: batching() })
  await pool.start()
  const running = pool.run('wait', null, unlimited)
  const jobs = ['a', 'b'].map((payload) => pool.run('lump', payload, inBatch))
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  await running
  t.deepEqual(await Promise.all(jobs), ['a', 'b'])
  await pool.close()
})

test('a batch is killed when the last of its requests is past its deadline, not the first', async (t) => {
  const gate = closedGate()
  // The first waits until the second makes the batch full.
  const pool = aPool({ gate, batching: { limit: fixedBatchLimit(2), delayMs: 60_000, merge } })
  await pool.start()
  const batch = { key: 'same', items: 1 }
  const early = pool.run('wait', 1, { lifetime: new Lifetime(50), batch })
  const patient = pool.run('wait', 2, { ...unlimited, batch })
  await t.throwsAsync(early, { message: /deadline/ })
  t.is(pool.stats().busy, 1, 'it still runs for the other')
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  t.is(await patient, 2)
  t.is(pool.stats().restarts, 0)
  await pool.close()
})

test('while a run that will be over in no time goes on, no other worker is woken for the like', async (t) => {
  const gate = closedGate()
  const limit = learnedBatchLimit(4)
  limit.observe('same', 1, 0.1)
  const pool = aPool({ gate, size: 2, batching: { limit, delayMs: 0, merge } })
  await pool.start()
  const first = pool.run('wait', 1, inBatch)
  const alike = [2, 3].map((n) => pool.run('wait', n, inBatch))
  t.is(pool.stats().busy, 1)
  t.is(pool.stats().waiting, 2)
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  t.deepEqual(await Promise.all([first, ...alike]), [1, 2, 3])
  await pool.close()
})

test('a pool whose worker cannot use its models does not start', async (t) => {
  const pool = aPool({ workerData: () => ({ unusable: 'expected this, found that' }) })
  await t.throwsAsync(pool.start(), { message: 'expected this, found that' })
  t.is(pool.state(), 'starting')
  await pool.close()
})

test('closing ends waiting and running jobs with a failure', async (t) => {
  const pool = aPool({ gate: closedGate() })
  await pool.start()
  const jobs = [pool.run('wait', null, unlimited), pool.run('echo', null, unlimited)]
  const outcomes = Promise.allSettled(jobs)
  await pool.close()
  t.deepEqual(
    (await outcomes).map((outcome) => outcome.status),
    ['rejected', 'rejected'],
  )
  await t.throwsAsync(pool.run('echo', null, unlimited), { message: /shutting down/ })
})
