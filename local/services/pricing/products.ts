import { createHash } from 'node:crypto'

type Offer = { region: string; prefix: string; type: string; usages: Record<string, string> }

/** Usage type → component, as AWS names them; AsyncInf's component is assumed. */
const COMPONENTS: Record<string, string> = { Host: 'Hosting', AsyncInf: 'AsyncInf', Train: 'Training' }
const LOCATIONS: Record<string, string> = { 'us-east-1': 'US East (N. Virginia)', 'eu-west-3': 'EU (Paris)' }
const PUBLISHED = '2026-09-20T02:56:06Z'
const EFFECTIVE = '2026-09-01T00:00:00Z'

/** A few of AWS's offers: USD an hour by usage type. ml.g4dn.xlarge is not offered for asynchronous inference. */
const OFFERS: Offer[] = [
  offer('us-east-1', 'USE1-', 'ml.m5.xlarge', {
    Train: '0.2300000000',
    Host: '0.2300000000',
    AsyncInf: '0.2300000000',
  }),
  offer('us-east-1', 'USE1-', 'ml.g4dn.xlarge', { Train: '0.7364000000', Host: '0.7364000000' }),
  offer('us-east-1', 'USE1-', 'ml.g5.xlarge', {
    Train: '1.4080000000',
    Host: '1.4080000000',
    AsyncInf: '1.4080000000',
  }),
  offer('us-east-1', 'USE1-', 'ml.g5.2xlarge', {
    Train: '1.5150000000',
    Host: '1.5150000000',
    AsyncInf: '1.5150000000',
  }),
  offer('us-east-1', 'USE1-', 'ml.g6e.2xlarge', { Host: '2.8026000000', AsyncInf: '2.8026000000' }),
  offer('eu-west-3', 'EUW3-', 'ml.g4dn.xlarge', { Host: '0.8610000000' }),
  offer('eu-west-3', 'EUW3-', 'ml.g6.xlarge', { AsyncInf: '1.4302000000' }),
]

export type Product = { productFamily: string; attributes: Record<string, string>; sku: string; document: string }

/** The products of AmazonSageMaker, each with its document as GetProducts gives it: JSON in a string. */
export function products(): Product[] {
  return OFFERS.flatMap(({ region, prefix, type, usages }) =>
    Object.entries(usages).map(([usage, price]) => product({ region, prefix, type }, usage, price)),
  )
}

function product({ region, prefix, type }: Omit<Offer, 'usages'>, usage: string, price: string): Product {
  const usagetype = `${prefix}${usage}:${type}`
  const sku = createHash('sha256').update(usagetype).digest('hex').slice(0, 16).toUpperCase()
  const component = COMPONENTS[usage] ?? usage
  const attributes = {
    servicecode: 'AmazonSageMaker',
    servicename: 'Amazon SageMaker',
    regionCode: region,
    location: LOCATIONS[region] ?? region,
    locationType: 'AWS Region',
    instanceName: type,
    instanceType: `${type}-${component}`,
    component,
    usagetype,
    operation: 'RunInstance',
  }
  const term = `${sku}.JRTCKXETXF`
  const dimension = `${term}.6YS6EN2CT7`
  const document = {
    product: { productFamily: 'ML Instance', attributes, sku },
    serviceCode: 'AmazonSageMaker',
    terms: {
      OnDemand: {
        [term]: {
          priceDimensions: {
            [dimension]: {
              unit: 'Hrs',
              beginRange: '0',
              endRange: 'Inf',
              description: `$${Number(price)} per ${component} ${type} hour in ${LOCATIONS[region]}`,
              appliesTo: [],
              rateCode: dimension,
              pricePerUnit: { USD: price },
            },
          },
          sku,
          effectiveDate: EFFECTIVE,
          offerTermCode: 'JRTCKXETXF',
          termAttributes: {},
        },
      },
    },
    version: PUBLISHED.replace(/\D/g, ''),
    publicationDate: PUBLISHED,
  }
  return { productFamily: 'ML Instance', attributes, sku, document: JSON.stringify(document) }
}

function offer(region: string, prefix: string, type: string, usages: Record<string, string>): Offer {
  return { region, prefix, type, usages }
}
