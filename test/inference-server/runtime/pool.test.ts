import test from 'ava'
import { Failure } from '../../../inference-server/core/errors.ts'
import { type PoolOptions, workerPool } from '../../../inference-server/runtime/pool.ts'
import { eventually } from '../fixtures/world.ts'

type Fixture = Record<'echo' | 'crash' | 'refuse' | 'wait', { payload: unknown; result: unknown }>

function aPool(options: Partial<PoolOptions> & { gate?: Int32Array } = {}) {
  return workerPool<Fixture>({
    worker: new URL('../fixtures/worker.ts', import.meta.url),
    workerData: { gate: options.gate },
    size: 1,
    now: () => performance.now(),
    ...options,
  })
}

const unlimited = { deadline: new AbortController().signal }
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
  const deadline = new AbortController()
  const job = pool.run('wait', null, { deadline: deadline.signal })
  t.is(pool.stats().busy, 1)
  deadline.abort()
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
  const deadline = new AbortController()
  const departed = new AbortController()
  const late = pool.run('echo', 1, { deadline: deadline.signal })
  const left = pool.run('echo', 2, { ...unlimited, departed: departed.signal })
  t.is(pool.stats().waiting, 2)
  deadline.abort()
  departed.abort()
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

test('a pool whose worker cannot use its models does not start', async (t) => {
  const pool = aPool({ workerData: { unusable: 'expected this, found that' } })
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
