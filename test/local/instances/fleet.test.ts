import test from 'ava'
import { fleet, LaunchError } from '../../../local/instances/fleet.ts'
import { emptyInstance, type Instance } from '../../../local/instances/instance.ts'

test('a fleet that was stopped does not come back to life', async (t) => {
  let launched = 0
  const stopped = fleet({ launch: async () => emptyInstance(`i-${launched++}`), onChange() {} })
  await stopped.resize(2, 0)
  await stopped.stop(0)
  await stopped.resize(3, 0)
  t.is(launched, 2)
  t.deepEqual(stopped.healthy(), [])
})

test('an instance that comes up after it was no longer wanted is terminated', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Instance>()
  const instance = emptyInstance('i-late')
  const late = fleet({ launch: () => promise, onChange() {} })
  const growing = late.resize(1, 0)
  const stopping = late.stop(0)
  resolve(instance)
  await Promise.all([growing, stopping])
  t.is(await instance.ended, 'terminated')
  t.deepEqual(late.healthy(), [])
})

test('a launch that fails is told to whoever waits, and tried again', async (t) => {
  let attempts = 0
  const struggling = fleet({
    async launch() {
      if (attempts++ === 0) throw new LaunchError('No capacity.')
      return emptyInstance('i-second')
    },
    onChange() {},
  })
  await t.throwsAsync(struggling.resize(1, 0), { name: 'LaunchError', message: 'No capacity.' })
  await struggling.resize(1, 0)
  t.is(struggling.healthy()[0]?.id, 'i-second')
  await struggling.stop(0)
})

test('the youngest instances go first', async (t) => {
  let launched = 0
  const shrinking = fleet({ launch: async () => emptyInstance(`i-${launched++}`), onChange() {} })
  await shrinking.resize(3, 0)
  await shrinking.resize(1, 0)
  t.deepEqual(
    shrinking.healthy().map((instance) => instance.id),
    ['i-0'],
  )
  await shrinking.stop(0)
})
