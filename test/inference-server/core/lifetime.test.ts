import test from 'ava'
import { Lifetime } from '../../../inference-server/core/lifetime.ts'

const DISTANT_MS = 1_000_000

test('at its deadline it is over, and whoever listens is told once', async (t) => {
  const lifetime = new Lifetime(10)
  const awake = setInterval(() => {}, 1000)
  t.is(lifetime.over, undefined)
  const reasons: string[] = []
  await new Promise<void>((resolve) =>
    lifetime.onOver(({ message }) => {
      reasons.push(message)
      resolve()
    }),
  )
  clearInterval(awake)
  lifetime.leave()
  t.deepEqual(reasons, ['The request was not finished by its deadline.'])
  t.is(lifetime.over?.code, 'DeadlineExceeded')
  t.false(lifetime.departed)
})

test('a caller that leaves ends it before its deadline', (t) => {
  const lifetime = new Lifetime(DISTANT_MS)
  let told = 0
  lifetime.onOver(() => told++)
  lifetime.leave()
  lifetime.leave()
  t.is(told, 1)
  t.true(lifetime.departed)
})

test('who takes the listener back, or has the answer, is not told', (t) => {
  const lifetime = new Lifetime(DISTANT_MS)
  let told = 0
  const forget = lifetime.onOver(() => told++)
  forget()
  lifetime.onOver(() => told++)
  lifetime.end()
  lifetime.leave()
  t.is(told, 0)
  t.is(lifetime.over, undefined)
})

test('its signal aborts with it, also when it was over before', (t) => {
  const lifetime = new Lifetime(DISTANT_MS)
  const before = lifetime.signal()
  lifetime.leave()
  t.true(before.aborted)
  t.true(lifetime.signal().aborted)
})
