import test from 'ava'
import fc from 'fast-check'
import { type BatchLimit, fixedBatchLimit, learnedBatchLimit } from '../../../inference-server/runtime/batch-limit.ts'

const KEY = 'model'

/** Runs under a load that always fills the batch, on a device where a run of so many items takes `ms`; gives each run's items. */
function saturated(limit: BatchLimit, runs: number, ms: (items: number) => number): number[] {
  return Array.from({ length: runs }, () => {
    const items = limit.items(KEY)
    limit.observe(KEY, items, ms(items))
    return items
  })
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** From 0 to 1, the same at every run of the test. */
function noise(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

test('a model whose items cost the same in any batch runs them alone, but for a try now and then', (t) => {
  const limit = learnedBatchLimit(32)
  const items = saturated(limit, 500, (count) => 58 * count)
  t.is(items[0], 1)
  t.true(mean(items.slice(20)) < 1.2, `${mean(items.slice(20))}`)
  t.is(Math.max(...items), 2)
})

test('a model that is mostly overhead soon runs full batches', (t) => {
  const limit = learnedBatchLimit(32)
  const items = saturated(limit, 100, (count) => 0.1 + 0.001 * count)
  t.true(mean(items.slice(30)) > 31, items.join(' '))
})

test('a model whose batches get dearer from some size on stays below it', (t) => {
  const limit = learnedBatchLimit(64)
  const items = saturated(limit, 500, (count) => (count <= 8 ? 4 + count : 3 * count))
  t.true(mean(items.slice(50)) < 9)
  t.true(mean(items.slice(50)) > 7)
})

test('a noisy machine does not make a large model run in batches for long', (t) => {
  const random = noise(1)
  const limit = learnedBatchLimit(32)
  // One run of four is disturbed, for up to twice its time.
  const items = saturated(limit, 1000, (count) => 58 * count * (random() < 0.25 ? 1 + random() : 1))
  t.true(mean(items.slice(20)) < 1.5, `${mean(items.slice(20))}`)
})

test('when a machine has become slower for good, a small model keeps its batches', (t) => {
  const limit = learnedBatchLimit(32)
  saturated(limit, 100, (count) => 0.1 + 0.001 * count)
  const items = saturated(limit, 300, (count) => 4 * (0.1 + 0.001 * count))
  t.true(mean(items) > 28, items.join(' '))
})

test('keys learn apart from each other', (t) => {
  const limit = learnedBatchLimit(32)
  saturated(limit, 100, (count) => 0.1 + 0.001 * count)
  t.is(limit.items('another'), 1)
})

test('callers that bring ever new shapes do not make it grow, and known ones are learnt again', (t) => {
  const limit = learnedBatchLimit(32)
  saturated(limit, 100, () => 1)
  for (let shape = 0; shape < 300; shape++) limit.observe(`shape ${shape}`, 1, 1)
  t.is(limit.items(KEY), 1)
})

test('whatever runs took, the next may have at least one item and at most the configured number', (t) => {
  const runs = fc.array(
    fc.record({ items: fc.integer({ min: 1, max: 2000 }), ms: fc.double({ min: 0, max: 1e6, noNaN: true }) }),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 64 }), (observed, maxItems) => {
      for (const limit of [learnedBatchLimit(maxItems), fixedBatchLimit(maxItems)]) {
        for (const { items, ms } of observed) {
          limit.observe(KEY, items, ms)
          const next = limit.items(KEY)
          if (!(Number.isInteger(next) && next >= 1 && next <= maxItems)) return false
        }
      }
      return true
    }),
  )
  t.pass()
})
