import { ApiError, type Call, type Service } from '../../service.ts'
import { type Product, products } from './products.ts'

type Filter = { Type: string; Field: string; Value: string }

const MAX_PAGE = 100

/** AWS's Price List, as far as GetProducts for a few of SageMaker's instance types. Service name `pricing`. */
export function pricingService(): Service {
  const all = products()

  return {
    name: 'pricing',
    operations: {
      GetProducts(call) {
        const {
          ServiceCode,
          Filters = [],
          MaxResults = MAX_PAGE,
        } = call.input as {
          ServiceCode: string
          Filters?: Filter[]
          MaxResults?: number
        }
        if (ServiceCode !== 'AmazonSageMaker')
          throw new ApiError('NotFoundException', `No products of the service ${ServiceCode} were found`)
        if (MaxResults < 1 || MaxResults > MAX_PAGE)
          throw new ApiError('InvalidParameterException', `MaxResults must be between 1 and ${MAX_PAGE}`)
        const start = startOf(call)
        const found = all.filter((product) => Filters.every((filter) => fits(product, filter)))
        const end = start + MaxResults
        return {
          FormatVersion: 'aws_v1',
          PriceList: found.slice(start, end).map(({ document }) => document),
          ...(end < found.length ? { NextToken: Buffer.from(String(end)).toString('base64') } : {}),
        }
      },
    },
    state: () => ({ products: all.map(({ attributes }) => attributes.usagetype) }),
  }
}

function fits({ attributes, productFamily, sku }: Product, { Type, Field, Value }: Filter): boolean {
  if (Type !== 'TERM_MATCH')
    throw new ApiError('InvalidParameterException', `The local cloud filters by TERM_MATCH only, not ${Type}`)
  const values: Record<string, string> = { ...attributes, productFamily, sku }
  return values[Field] === Value
}

function startOf(call: Call): number {
  const token = call.input.NextToken as string | undefined
  if (token === undefined) return 0
  const start = Number(Buffer.from(token, 'base64').toString())
  if (!Number.isInteger(start) || start < 0)
    throw new ApiError(
      'InvalidNextTokenException',
      'The pagination token is invalid. Try again without a pagination token.',
    )
  return start
}
