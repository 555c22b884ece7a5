import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pricing } from '@aws-sdk/client-pricing'
import test from 'ava'
import { type LocalCloud, startLocalCloud } from '../../../local/cloud.ts'
import { readPriceFile } from '../../../operator/providers/price-file.ts'
import { type PricesOptions, prices } from '../../../operator/providers/prices.ts'

const HOUR = 3_600_000

/** Prices over the local cloud's Price List, with a clock that is moved by hand. */
async function world(t: { teardown(fn: () => Promise<void>): void }, options: Partial<PricesOptions> = {}) {
  const cloud: LocalCloud = await startLocalCloud({ images: [] })
  const api = new Pricing({
    endpoint: cloud.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  t.teardown(async () => {
    api.destroy()
    await cloud.stop()
  })
  const clock = { now: 0 }
  const logged: string[] = []
  const known = prices({
    overrides: {},
    priceList: api,
    now: () => clock.now,
    random: () => 0,
    log: { warn: (_, message) => logged.push(message) },
    ...options,
  })
  const asked = () => cloud.calls().filter(({ operation }) => operation === 'GetProducts').length
  return { cloud, clock, logged, asked, of: known.of }
}

test('AWS is asked once a day for a type and region, however many ask at once', async (t) => {
  const { of, clock, asked } = await world(t)
  const wanted = { usdPerHour: 1.408, source: 'PriceList' as const, asOf: '2026-09-01' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => of('us-east-1', 'ml.g5.xlarge')))
  t.deepEqual(answers, Array(20).fill(wanted))
  clock.now += 23 * HOUR
  t.deepEqual(await of('us-east-1', 'ml.g5.xlarge'), wanted)
  t.is(asked(), 1)
  clock.now += 2 * HOUR
  await of('us-east-1', 'ml.g5.xlarge')
  await of('us-east-1', 'ml.g5.2xlarge')
  t.is(asked(), 3)
})

test('of a type’s products the asynchronous one counts, else hosting; training never', async (t) => {
  const { of } = await world(t)
  t.is((await of('eu-west-3', 'ml.g6.xlarge'))?.usdPerHour, 1.4302)
  t.is((await of('eu-west-3', 'ml.g4dn.xlarge'))?.usdPerHour, 0.861)
  t.is((await of('us-east-1', 'ml.g4dn.xlarge'))?.usdPerHour, 0.7364)
})

test('without an answer the table that comes along is used, which is said once; what was known stays', async (t) => {
  const { of, cloud, clock, logged } = await world(t)
  cloud.setFault({
    operation: 'pricing.GetProducts',
    effect: 'error',
    code: 'AccessDeniedException',
    message: 'no',
    times: 2,
  })
  t.deepEqual(await of('us-east-1', 'ml.g5.xlarge'), { usdPerHour: 1.408, source: 'BuiltIn', asOf: '2026-09' })
  await of('us-east-1', 'ml.g5.2xlarge')
  t.is(logged.length, 1)
  clock.now += 2 * HOUR
  t.is((await of('us-east-1', 'ml.g5.xlarge'))?.source, 'BuiltIn', 'nobody waits for a second answer')
  await eventually(async () => (await of('us-east-1', 'ml.g5.xlarge'))?.source === 'PriceList')

  cloud.setFault({ operation: 'pricing.GetProducts', effect: 'throttle' })
  clock.now += 25 * HOUR
  t.is((await of('us-east-1', 'ml.g5.xlarge'))?.source, 'PriceList')
  await eventually(async () => logged.length === 2)
  t.is((await of('us-east-1', 'ml.g5.xlarge'))?.source, 'PriceList')
})

test('a file overrides all; a type that nobody knows has no price', async (t) => {
  const { of, asked } = await world(t, { overrides: { 'us-east-1': { 'ml.g5.xlarge': 0.9 } } })
  t.deepEqual(await of('us-east-1', 'ml.g5.xlarge'), { usdPerHour: 0.9, source: 'Override' })
  t.is(asked(), 0)
  t.is(await of('us-east-1', 'ml.unknown.xlarge'), undefined)
  t.is(await of('mars-north-1', 'ml.g5.xlarge'), undefined)
})

test('a price file that is wrong is refused with its name and the place', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mooring-prices-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'prices.yaml')
  const read = async (text: string) => {
    await writeFile(path, text)
    return await readPriceFile(path)
  }
  t.deepEqual(await read('us-east-1:\n  ml.g5.xlarge: 1.1\n'), { 'us-east-1': { 'ml.g5.xlarge': 1.1 } })
  t.deepEqual(await read('{"us-east-1": {"ml.g5.xlarge": 0}}'), { 'us-east-1': { 'ml.g5.xlarge': 0 } })
  t.deepEqual(await read(''), {})
  const wrong = (text: string, message: RegExp) => t.throwsAsync(() => read(text), { message })
  await wrong('- 1', /prices\.yaml: write a region/)
  await wrong('us-east-1: 3', /us-east-1 must hold instance types/)
  await wrong('us-east-1: { ml.g5.xlarge: "1.1" }', /us-east-1\.ml\.g5\.xlarge must be a number/)
  await wrong('us-east-1: { ml.g5.xlarge: -1 }', /from 0 to 100000/)
})

async function eventually(found: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 1000; look++) {
    if (await found()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('not within ten seconds')
}
