import test from 'ava'
import fc from 'fast-check'
import { budget } from '../../../inference-server/core/budget.ts'
import { Failure } from '../../../inference-server/core/errors.ts'
import { Lifetime } from '../../../inference-server/core/lifetime.ts'

const patient = () => new Lifetime(1_000_000)

test('a spent budget is refused at once where that is asked for, and taken again when something is given back', async (t) => {
  const bytes = budget(10, 'reject', 'bytes')
  const give = await bytes.take(7, patient())
  const error = t.throws(() => bytes.take(4, patient()), { instanceOf: Failure })
  t.is(error?.code, 'QueueFull')
  give()
  give()
  t.is(bytes.taken, 0, 'giving back twice gives back once')
  await bytes.take(10, patient())
  t.is(bytes.taken, 10)
})

test('more than the whole goes through alone', async (t) => {
  const pixels = budget(10, 'reject', 'pixels')
  const give = await pixels.take(1000, patient())
  t.throws(() => pixels.take(1, patient()), { instanceOf: Failure })
  give()
  t.is(pixels.taken, 0)
})

test('who waits is served in order, and a deadline ends the waiting without harm to those behind', async (t) => {
  const places = budget(2, 'wait', 'requests')
  const give = await places.take(2, patient())
  const impatient = new Lifetime(1_000_000)
  const order: string[] = []
  const large = Promise.resolve(places.take(2, impatient)).then(
    () => order.push('large'),
    () => order.push('large left'),
  )
  const small = Promise.resolve(places.take(1, patient())).then((back) => {
    order.push('small')
    back()
  })
  t.is(places.waiting, 2)
  impatient.leave()
  await large
  give()
  await small
  t.deepEqual(order, ['large left', 'small'])
  t.true(await places.empty(1_000_000))
})

test('a waiter that gives up lets smaller ones behind it through at once', async (t) => {
  const places = budget(4, 'wait', 'requests')
  await places.take(2, patient())
  const impatient = new Lifetime(1_000_000)
  const large = Promise.resolve(places.take(4, impatient))
  const small = places.take(1, patient())
  impatient.leave()
  await t.throwsAsync(large)
  await small
  t.is(places.taken, 3)
})

test('whatever is taken and given back in whatever order, the sum never exceeds the limit and ends at nothing', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(12), { maxLength: 30 }), fc.infiniteStream(fc.nat()), async (amounts, random) => {
      const bytes = budget(10, 'wait', 'bytes')
      const held: (() => void)[] = []
      const taking = amounts.map(async (amount) => {
        held.push(await bytes.take(amount, patient()))
      })
      for (let turn = 0; turn < 1000 && (bytes.waiting > 0 || held.length > 0); turn++) {
        await Promise.resolve()
        if (bytes.taken > 10) return false
        const [give] = held.splice((random.next().value ?? 0) % Math.max(1, held.length), 1)
        give?.()
      }
      await Promise.all(taking)
      for (const give of held) give()
      return bytes.taken === 0 && bytes.waiting === 0
    }),
  )
  t.pass()
})
