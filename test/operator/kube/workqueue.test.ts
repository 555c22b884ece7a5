import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import fc from 'fast-check'
import { workqueue } from '../../../operator/kube/workqueue.ts'
import { eventually } from './support.ts'

test('a key that is added many times while it waits is worked on once', async (t) => {
  const queue = workqueue()
  for (let index = 0; index < 5; index++) queue.add('a')
  t.is(queue.depth(), 1)
  t.is(await queue.get(), 'a')
  queue.done('a')
  t.is(queue.depth(), 0)
})

test('a key that is added while it is in work is worked on again, and not before', async (t) => {
  const queue = workqueue()
  queue.add('a')
  await queue.get()
  queue.add('a')
  t.is(queue.depth(), 0)
  queue.done('a')
  t.is(await queue.get(), 'a')
})

test('the delay of a failing key doubles up to the limit, and starts anew once it went well', (t) => {
  const queue = workqueue({ baseDelayMs: 100, maxDelayMs: 1000, random: () => 0 })
  t.teardown(() => queue.shutdown())
  t.deepEqual(
    Array.from({ length: 6 }, () => queue.addRateLimited('a')),
    [100, 200, 400, 800, 1000, 1000],
  )
  t.is(queue.retries('a'), 6)
  queue.forget('a')
  t.is(queue.addRateLimited('a'), 100)
})

test('of two delayed additions of a key the earlier one counts', async (t) => {
  const queue = workqueue()
  t.teardown(() => queue.shutdown())
  queue.addAfter('a', 3_600_000)
  queue.addAfter('a', 1)
  t.is(await queue.get(), 'a')
})

test('a delay longer than a timer can hold does not end at once', async (t) => {
  const queue = workqueue()
  t.teardown(() => queue.shutdown())
  queue.addAfter('a', 60 * 24 * 3_600_000)
  await delay(50)
  t.is(queue.depth(), 0)
})

test('shutdown ends those who wait and drops what is delayed', async (t) => {
  const queue = workqueue()
  const waiting = queue.get()
  queue.addAfter('a', 1)
  queue.shutdown()
  t.is(await waiting, undefined)
  await delay(20)
  t.is(queue.depth(), 0)
  t.is(await queue.get(), undefined)
})

test('whatever the order: no key is with two workers at once, and every addition is followed by a pass', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), pause: fc.boolean() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      async (additions, workers) => {
        const queue = workqueue()
        const busy = new Set<string>()
        const lastStart = new Map<string, number>()
        const lastAdd = new Map<string, number>()
        let clock = 0
        const work = async () => {
          for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
            if (busy.has(key)) throw new Error(`two workers on ${key}`)
            busy.add(key)
            lastStart.set(key, ++clock)
            await Promise.resolve()
            await new Promise((resolve) => setImmediate(resolve))
            busy.delete(key)
            queue.done(key)
          }
        }
        const running = Array.from({ length: workers }, work)
        for (const { key, pause } of additions) {
          lastAdd.set(key, ++clock)
          queue.add(key)
          if (pause) await new Promise((resolve) => setImmediate(resolve))
        }
        await eventually('idle', () => queue.depth() === 0 && busy.size === 0)
        queue.shutdown()
        await Promise.all(running)
        for (const [key, added] of lastAdd) {
          if ((lastStart.get(key) ?? 0) < added) throw new Error(`${key} was added and never worked on`)
        }
      },
    ),
    { numRuns: 50 },
  )
  t.pass()
})
