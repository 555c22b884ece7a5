import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import type { Items, Scalar } from './items.ts'
import type { Condition } from './work.ts'

const Value = z.union([z.string().max(1024), z.number(), z.boolean()])
const Values = z.array(Value).min(1).max(1000)

/** By field: the value, one of several values, or limits. All fields have to fit. */
export const Filter = z
  .record(
    z.string().max(256),
    z.union([
      Value,
      Values,
      z.strictObject({
        gt: z.number().optional().describe('Greater than this.'),
        gte: z.number().optional().describe('This or greater.'),
        lt: z.number().optional().describe('Less than this.'),
        lte: z.number().optional().describe('This or less.'),
        not: z.union([Value, Values]).optional().describe('None of these.'),
      }),
    ]),
  )
  .refine((filter) => Object.keys(filter).length <= 16, 'at most 16 fields')

export type Filter = z.output<typeof Filter>

/**
 * The conditions of a filter on a catalogue's columns.
 * @throws Failure InvalidParameters for a field that there is not, or that cannot be compared so
 */
export function conditionsOf(items: Items, filter: Filter): Condition[] {
  return Object.entries(filter).map(([field, wanted]) => {
    const column = items.columns.get(field)
    if (!column || column.kind === 'other') {
      const known = [...items.columns].filter(([, { kind }]) => kind !== 'other').map(([name]) => name)
      throw new Failure(
        'InvalidParameters',
        `The filter has the field ${JSON.stringify(field.slice(0, 60))}, which ${column ? 'holds lists or objects' : 'no item has'}.`,
        {
          details: [`fields: ${known.join(', ').slice(0, 1000)}`],
        },
      )
    }
    const limits = typeof wanted === 'object' && !Array.isArray(wanted) ? wanted : { only: wanted }
    const only = 'only' in limits ? list(limits.only) : undefined
    const not = 'not' in limits ? list(limits.not) : []
    const { gt, gte, lt, lte }: { gt?: number; gte?: number; lt?: number; lte?: number } =
      'only' in limits ? {} : defined(limits)
    if (column.kind === 'numbers') {
      return {
        values: column.values,
        only: only?.filter((value) => typeof value === 'number'),
        not: not.filter((value) => typeof value === 'number'),
        above: gt ?? Number.NEGATIVE_INFINITY,
        from: gte ?? Number.NEGATIVE_INFINITY,
        below: lt ?? Number.POSITIVE_INFINITY,
        to: lte ?? Number.POSITIVE_INFINITY,
      }
    }
    if ([gt, gte, lt, lte].some((limit) => limit !== undefined)) {
      throw new Failure(
        'InvalidParameters',
        `The field ${JSON.stringify(field.slice(0, 60))} holds words: it cannot be compared with gt, gte, lt and lte.`,
      )
    }
    const allowed = Uint8Array.from(column.dictionary, (word) =>
      (only === undefined || only.includes(word)) && !not.includes(word) ? 1 : 0,
    )
    // Without a value an item is none of those wanted, and none of those unwanted either.
    return { codes: column.codes, allowed, absent: only === undefined ? 1 : 0 }
  })
}

const list = (value: Scalar | Scalar[] | undefined): Scalar[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

/** Without the fields that are undefined. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never
}
