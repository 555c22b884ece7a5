import { constraints } from './constraints.ts'
import { validation } from './errors.ts'

export type ListInput = {
  SortBy?: string | undefined
  SortOrder?: string | undefined
  NextToken?: string | undefined
  MaxResults?: number | undefined
  NameContains?: string | undefined
  CreationTimeBefore?: Date | undefined
  CreationTimeAfter?: Date | undefined
  LastModifiedTimeBefore?: Date | undefined
  LastModifiedTimeAfter?: Date | undefined
  StatusEquals?: string | undefined
}
export type Listed = { name: string; createdAt: Date; modifiedAt?: Date; status?: string }

const DEFAULT_PAGE = 10
const MAX_PAGE = 100

/**
 * One page of a SageMaker list: filtered, sorted (by creation time, newest first, unless said otherwise), and a token that names
 * the last item seen, so that items which appear or go between two pages shift no other out of the listing.
 * @throws ApiError ValidationException for a token that no list has given out.
 */
export function page<T extends Listed>(items: Iterable<T>, input: ListInput): { items: T[]; NextToken?: string } {
  constraints().member('maxResults', input.MaxResults, { min: 1, max: MAX_PAGE }).verify()
  const size = input.MaxResults ?? DEFAULT_PAGE
  const key = sortKey(input.SortBy)
  const direction = input.SortOrder === 'Ascending' ? 1 : -1
  const compare = (a: [string, string], b: [string, string]) => direction * (order(a[0], b[0]) || order(a[1], b[1]))
  const after = input.NextToken === undefined ? undefined : decode(input.NextToken)
  const wanted = [...items]
    .filter((item) => matches(item, input))
    .map((item): { item: T; at: [string, string] } => ({ item, at: [key(item), item.name] }))
    .filter(({ at }) => after === undefined || compare(at, after) > 0)
    .sort((a, b) => compare(a.at, b.at))
  const shown = wanted.slice(0, size)
  const last = shown.at(-1)
  return {
    items: shown.map(({ item }) => item),
    ...(wanted.length > size && last ? { NextToken: encode(last.at) } : {}),
  }
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function sortKey(by: string | undefined): (item: Listed) => string {
  if (by === 'Name') return () => ''
  if (by === 'Status') return (item) => item.status ?? ''
  return (item) => item.createdAt.toISOString()
}

function matches(item: Listed, input: ListInput): boolean {
  const modified = item.modifiedAt ?? item.createdAt
  return (
    (input.NameContains === undefined || item.name.toLowerCase().includes(input.NameContains.toLowerCase())) &&
    (input.StatusEquals === undefined || item.status === input.StatusEquals) &&
    (input.CreationTimeBefore === undefined || item.createdAt < input.CreationTimeBefore) &&
    (input.CreationTimeAfter === undefined || item.createdAt > input.CreationTimeAfter) &&
    (input.LastModifiedTimeBefore === undefined || modified < input.LastModifiedTimeBefore) &&
    (input.LastModifiedTimeAfter === undefined || modified > input.LastModifiedTimeAfter)
  )
}

const encode = (at: [string, string]) => Buffer.from(JSON.stringify(at)).toString('base64')

function decode(token: string): [string, string] {
  try {
    const at: unknown = JSON.parse(Buffer.from(token, 'base64').toString())
    if (Array.isArray(at) && typeof at[0] === 'string' && typeof at[1] === 'string') return [at[0], at[1]]
  } catch {
    // Not JSON: answered below like every other foreign token.
  }
  throw validation('Invalid NextToken.')
}
