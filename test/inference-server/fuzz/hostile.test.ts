import test from 'ava'
import { realApp } from '../fixtures/world.ts'
import { everyTask } from './directory.ts'
import { hostilePictures, validPictures } from './pictures.ts'

const valid = await validPictures()
const hostile = await hostilePictures()
const directory = await everyTask()
const app = realApp(directory.path, { requests: 200, decodingPixels: 20_000_000 })
test.before(() => app.load())
test.after.always(async () => {
  await app.close()
  await directory.remove()
})

const PICTURE_TASKS = ['segment', 'get_embedding', 'detect_rooms'] as const

async function ask(task: string, image: Buffer) {
  const response = await app.http.inject({
    method: 'POST',
    url: '/invocations',
    payload: { task, image: image.toString('base64'), ...(task === 'segment' ? { points: [[0, 0]] } : {}) },
  })
  return { status: response.statusCode, body: response.json() }
}

for (const { name, bytes } of valid) {
  test(`${name}: every task reads it`, async (t) => {
    for (const task of PICTURE_TASKS) {
      const { status, body } = await ask(task, bytes)
      t.is(status, 200, `${task}: ${JSON.stringify(body.error)}`)
    }
  })
}

for (const { name, bytes, expected } of hostile) {
  test(`${name}: every task answers what is due, and the workers stay`, async (t) => {
    for (const task of PICTURE_TASKS) {
      const { status, body } = await ask(task, bytes)
      t.true(expected.includes(status), `${task}: ${status} ${JSON.stringify(body.error)}`)
      if (status !== 200) t.is(body.error.details?.some((each: string) => each.includes('/')) ?? false, false)
    }
    t.is((await app.http.inject('/ping')).statusCode, 200)
    t.is(app.device.stats().restarts + app.offload.stats().restarts, 0)
  })
}
