import test from 'ava'
import fc from 'fast-check'
import { TASKS } from '../../../inference-server/tasks/index.ts'
import { realApp } from '../fixtures/world.ts'
import { everyTask, tables } from './directory.ts'
import { validPictures } from './pictures.ts'
import { fuzzRequests } from './requests.ts'
import { send } from './session.ts'

const files = { pictures: (await validPictures()).map(({ bytes }) => bytes), tables: await tables() }
const directory = await everyTask()
const app = realApp(directory.path)
test.before(() => app.load())
test.after.always(async () => {
  await app.close()
  await directory.remove()
})

/** `npm run fuzz:inference` sends many more, and other ones each time. */
const INPUTS = 600
const SEED = 20_261_121

test('whatever is sent is answered, or refused for a reason that is told; nothing breaks', async (t) => {
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(fuzzRequests(TASKS.map(({ name }) => name)), async (request) => {
      const status = await send(app.http, request, files)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }),
    { numRuns: INPUTS, seed: SEED, includeErrorInReport: true },
  )
  t.is((await app.http.inject('/ping')).statusCode, 200)
  t.is(app.device.stats().restarts + app.offload.stats().restarts, 0)
  // Were all refused at the door, nothing behind it would have been tried.
  t.true((statuses.get(200) ?? 0) > INPUTS / 20, JSON.stringify([...statuses]))
})
