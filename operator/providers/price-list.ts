import type { GetProductsCommandInput, GetProductsCommandOutput } from '@aws-sdk/client-pricing'
import { type Operation, within } from './call.ts'

export type PriceListApi = { getProducts: Operation<GetProductsCommandInput, GetProductsCommandOutput> }
export type ListedPrice = { usdPerHour: number; asOf: string | undefined }

/** A type has some twenty products in a region: hosting, training, notebooks. */
const MAX_PAGES = 5

/**
 * AWS's on-demand price of one instance type for asynchronous inference in one region; undefined where the Price List has none.
 *
 * The products of a type differ by their usage type: `USE1-AsyncInf:ml.g5.xlarge` is asynchronous inference, `USE1-Host:ml.g5.xlarge`
 * real-time hosting. Where a type has no AsyncInf, hosting is what is billed. The filters' names are those that other tools use
 * (elC0mpa/aws-doctor, pull request 136); there is no filter on `component`, whose value for asynchronous inference is not known.
 * @throws the SDK's errors
 */
export async function listedPrice(
  api: PriceListApi,
  region: string,
  instanceType: string,
  signal: AbortSignal,
): Promise<ListedPrice | undefined> {
  const filters = { regionCode: region, instanceName: instanceType, productFamily: 'ML Instance' }
  let hosting: ListedPrice | undefined
  let token: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const { PriceList = [], NextToken } = await api.getProducts(
      {
        ServiceCode: 'AmazonSageMaker',
        FormatVersion: 'aws_v1',
        Filters: Object.entries(filters).map(([Field, Value]) => ({ Type: 'TERM_MATCH', Field, Value })),
        MaxResults: 100,
        ...(token ? { NextToken: token } : {}),
      },
      within(signal),
    )
    for (const item of PriceList) {
      const product = productOf(String(item))
      if (product?.usage === 'AsyncInf') return product.price
      if (product?.usage === 'Host') hosting ??= product.price
    }
    token = NextToken
    if (!token) break
  }
  return hosting
}

type Item = {
  product?: { attributes?: Record<string, string> }
  terms?: {
    OnDemand?: Record<
      string,
      {
        effectiveDate?: string
        priceDimensions?: Record<string, { unit?: string; pricePerUnit?: Record<string, string> }>
      }
    >
  }
}

/** An item is a JSON document in a string. */
function productOf(text: string): { usage: string | undefined; price: ListedPrice } | undefined {
  let item: Item
  try {
    item = JSON.parse(text) as Item
  } catch {
    return undefined
  }
  // Regions other than us-east-1 in its oldest form have a prefix, such as EUW3-.
  const usage = /(?:^|-)(AsyncInf|Host):/.exec(item.product?.attributes?.usagetype ?? '')?.[1]
  const [term] = Object.values(item.terms?.OnDemand ?? {})
  const [dimension] = Object.values(term?.priceDimensions ?? {})
  const usdPerHour = Number(dimension?.pricePerUnit?.USD ?? Number.NaN)
  // Free tiers and reservations are listed with a price of nothing.
  if (dimension?.unit !== 'Hrs' || !(usdPerHour > 0)) return undefined
  return { usage, price: { usdPerHour, asOf: term?.effectiveDate?.slice(0, 10) } }
}
