import test from 'ava'
import fc from 'fast-check'
import { fairQueue } from '../../../operator/kube/fair-queue.ts'
import { workqueue } from '../../../operator/kube/workqueue.ts'

test('a namespace with one object waits for one of a thousand, whoever came first', async (t) => {
  const queue = workqueue()
  for (let index = 0; index < 1000; index++) queue.add(`big/${index}`)
  queue.add('small/only')
  t.is(await queue.get(), 'big/0')
  t.is(await queue.get(), 'small/only')
  t.is(await queue.get(), 'big/1')
  t.is(queue.depth(), 998)
})

test('keys of one namespace, and keys without one, come first in, first out', (t) => {
  const queue = fairQueue()
  for (const key of ['a/1', 'node', 'a/2', 'b/1', 'a/3', 'other']) queue.push(key)
  t.deepEqual(
    Array.from({ length: 7 }, () => queue.shift()),
    ['a/1', 'node', 'b/1', 'a/2', 'other', 'a/3', undefined],
  )
  queue.push('a/4')
  queue.clear()
  t.is(queue.shift(), undefined)
  queue.push('a/5')
  t.is(queue.shift(), 'a/5')
})

const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), key: key() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('get' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('done' as const), nth: fc.nat(20) }) },
)

function key() {
  return fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(5)).map(([namespace, number]) => `${namespace}/${number}`)
}

test('whatever the order: no key is lost or given out twice at once, none overtakes its own namespace, and no namespace waits for more than one key of each other', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 200 }), async (operations) => {
      const queue = workqueue()
      /** What is ready, in the order of readiness; the reference that the queue is held against. */
      let ready: string[] = []
      const busy: string[] = []
      const again = new Set<string>()
      /** For each namespace that waits: what was handed out since it began to, by namespace. */
      const overtaken = new Map<string, Map<string, number>>()
      const namespaceOf = (of: string) => of.split('/')[0] ?? ''
      const becomeReady = (added: string) => {
        ready.push(added)
        const namespace = namespaceOf(added)
        if (!overtaken.has(namespace)) overtaken.set(namespace, new Map())
      }
      const get = async () => {
        const given = await queue.get()
        if (given === undefined) throw new Error('the queue ended')
        const namespace = namespaceOf(given)
        const first = ready.find((waiting) => namespaceOf(waiting) === namespace)
        if (given !== first) throw new Error(`${given} came before ${first}`)
        if (busy.includes(given)) throw new Error(`${given} is with two workers`)
        ready = ready.filter((waiting) => waiting !== given)
        busy.push(given)
        overtaken.delete(namespace)
        for (const [waiting, counts] of overtaken) {
          const count = (counts.get(namespace) ?? 0) + 1
          if (count > 1) throw new Error(`${waiting} waited for ${count} keys of ${namespace}`)
          counts.set(namespace, count)
        }
        if (ready.some((waiting) => namespaceOf(waiting) === namespace)) overtaken.set(namespace, new Map())
      }
      for (const step of operations) {
        if (step.kind === 'add') {
          queue.add(step.key)
          if (busy.includes(step.key)) again.add(step.key)
          else if (!ready.includes(step.key)) becomeReady(step.key)
        } else if (step.kind === 'get') {
          if (ready.length > 0) await get()
        } else if (busy.length > 0) {
          const [finished = ''] = busy.splice(step.nth % busy.length, 1)
          queue.done(finished)
          if (again.delete(finished)) becomeReady(finished)
        }
        if (queue.depth() !== ready.length) throw new Error(`${queue.depth()} keys are ready, not ${ready.length}`)
      }
      while (ready.length > 0) await get()
      queue.shutdown()
    }),
    { numRuns: 300 },
  )
  t.pass()
})
