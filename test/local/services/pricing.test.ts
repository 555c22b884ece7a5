import { GetProductsCommand, PricingClient } from '@aws-sdk/client-pricing'
import test from 'ava'
import { startLocalCloud } from '../../../local/cloud.ts'

const cloud = await startLocalCloud({ images: [] })
const client = new PricingClient({
  endpoint: cloud.url,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  maxAttempts: 1,
})
test.after.always(async () => {
  client.destroy()
  await cloud.stop()
})

const ask = (Filters: Record<string, string>, more: object = {}) =>
  client.send(
    new GetProductsCommand({
      ServiceCode: 'AmazonSageMaker',
      Filters: Object.entries(Filters).map(([Field, Value]) => ({ Type: 'TERM_MATCH', Field, Value })),
      ...more,
    }),
  )

test('an item is a document in a string, in the form that AWS gives it', async (t) => {
  const { PriceList = [], FormatVersion } = await ask({ instanceName: 'ml.g5.xlarge', component: 'Hosting' })
  t.is(FormatVersion, 'aws_v1')
  t.is(PriceList.length, 1)
  const item = JSON.parse(String(PriceList[0]))
  t.like(item.product, { productFamily: 'ML Instance', attributes: { usagetype: 'USE1-Host:ml.g5.xlarge' } })
  const [term] = Object.values<{ priceDimensions: object }>(item.terms.OnDemand)
  t.like(Object.values(term?.priceDimensions ?? {})[0], { unit: 'Hrs', pricePerUnit: { USD: '1.4080000000' } })
})

test('filters are all to be met, and pages follow each other to the end', async (t) => {
  const seen: string[] = []
  let NextToken: string | undefined
  do {
    const page = await ask({ regionCode: 'us-east-1' }, { MaxResults: 3, ...(NextToken ? { NextToken } : {}) })
    t.true((page.PriceList?.length ?? 0) <= 3)
    seen.push(...(page.PriceList ?? []).map(String))
    NextToken = page.NextToken
  } while (NextToken)
  t.is(new Set(seen).size, seen.length)
  t.is(seen.length, (await ask({ regionCode: 'us-east-1' })).PriceList?.length)
  t.deepEqual((await ask({ regionCode: 'us-east-1', instanceName: 'ml.none.xlarge' })).PriceList, [])
})

test('what it does not have is refused', async (t) => {
  await t.throwsAsync(() => client.send(new GetProductsCommand({ ServiceCode: 'AmazonEC2' })), {
    name: 'NotFoundException',
  })
  await t.throwsAsync(() => ask({}, { NextToken: 'eA==' }), { name: 'InvalidNextTokenException' })
})
