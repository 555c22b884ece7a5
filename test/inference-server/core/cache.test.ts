import test from 'ava'
import { Cache } from '../../../inference-server/core/cache.ts'

const of = (value: string, bytes: number) => async () => ({ value, bytes })

test('what was not used for longest is forgotten first, by bytes', async (t) => {
  const cache = new Cache(10)
  await cache.get('a', of('a', 4))
  await cache.get('b', of('b', 4))
  await cache.get('a', of('another', 4))
  await cache.get('c', of('c', 4))
  t.is(cache.bytes, 8)
  t.is(await cache.get('a', of('made again', 4)), 'a')
  t.is(await cache.get('b', of('made again', 4)), 'made again')
})

test('what is larger than all is given and not kept', async (t) => {
  const cache = new Cache(10)
  t.is(await cache.get('a', of('large', 11)), 'large')
  t.is(cache.size, 0)
  t.is(cache.bytes, 0)
})

test('what many ask for at once is made once', async (t) => {
  const cache = new Cache(10)
  let made = 0
  const make = async () => {
    made++
    await new Promise((resolve) => setImmediate(resolve))
    return { value: made, bytes: 1 }
  }
  t.deepEqual(await Promise.all([1, 2, 3].map(() => cache.get('a', make))), [1, 1, 1])
})

test('who waited for what another could not make makes it himself', async (t) => {
  const cache = new Cache(10)
  const failing = cache.get('a', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    throw new Error('the caller left')
  })
  const waiting = cache.get('a', of('mine', 1))
  await t.throwsAsync(failing, { message: 'the caller left' })
  t.is(await waiting, 'mine')
})
