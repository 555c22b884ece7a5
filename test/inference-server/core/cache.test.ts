import test from 'ava'
import { Cache } from '../../../inference-server/core/cache.ts'

const forever = () => {}
const of = (value: string, bytes: number) => async () => ({ value, bytes })

test('what was not used for longest is forgotten first, by bytes', async (t) => {
  const cache = new Cache(10)
  await cache.get('a', of('a', 4), forever)
  await cache.get('b', of('b', 4), forever)
  await cache.get('a', of('another', 4), forever)
  await cache.get('c', of('c', 4), forever)
  t.is(cache.bytes, 8)
  t.is(await cache.get('a', of('made again', 4), forever), 'a')
  t.is(await cache.get('b', of('made again', 4), forever), 'made again')
})

test('what is larger than all is given and not kept', async (t) => {
  const cache = new Cache(10)
  t.is(await cache.get('a', of('large', 11), forever), 'large')
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
  t.deepEqual(await Promise.all([1, 2, 3].map(() => cache.get('a', make, forever))), [1, 1, 1])
})

test('who waited for what another could not make makes it himself', async (t) => {
  const cache = new Cache(10)
  const failing = cache.get(
    'a',
    async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('the caller left')
    },
    forever,
  )
  const waiting = cache.get('a', of('mine', 1), forever)
  await t.throwsAsync(failing, { message: 'the caller left' })
  t.is(await waiting, 'mine')
})

test('what is to be freed is so when it is neither kept nor used by anyone, once', async (t) => {
  const cache = new Cache(10)
  const freed: string[] = []
  const releases: (() => void)[] = []
  const hold = (release: () => void) => releases.push(release)
  const freeable = (name: string, bytes: number) => async () => ({ value: name, bytes, free: () => freed.push(name) })
  await Promise.all(['first', 'second'].map(() => cache.get('a', freeable('a', 6), hold)))
  await cache.get('b', freeable('b', 6), hold)
  t.deepEqual(freed, [], 'it is forgotten, and used by two')
  releases[0]?.()
  t.deepEqual(freed, [])
  releases[1]?.()
  t.deepEqual(freed, ['a'])
  releases[2]?.()
  t.deepEqual(freed, ['a'], 'what is kept stays')
  cache.clear()
  t.deepEqual(freed, ['a', 'b'])
  await cache.get('c', freeable('c', 11), hold)
  t.deepEqual(freed, ['a', 'b'], 'what is too large is used before it is freed')
  releases[3]?.()
  t.deepEqual(freed, ['a', 'b', 'c'])
})
