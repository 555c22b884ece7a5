import { Failure } from '../../core/errors.ts'
import type { Tensor, Tensors } from '../../runtime/tensors.ts'
import { columnName, type InputLayout, type Layout } from './layout.ts'

/** A table of more cells than this takes longer than other requests should wait for. */
const MAX_CELLS = 10_000_000
export const MAX_ROWS = 100_000

/** One row: its cells in order, or by name. */
export type Row = readonly unknown[] | Readonly<Record<string, unknown>>

export type FeedOptions = {
  /** Every cell is written out, as in CSV. */
  text?: boolean
  /** The number of the first row, in messages; 0 otherwise. */
  first?: number
}

/**
 * A model's feeds for the rows.
 * @throws Failure InvalidData naming row and column of the first cell that does not fit; BodyTooLarge
 */
export function feedsOf(layout: Layout, rows: readonly Row[], options: FeedOptions = {}): Tensors {
  const ordered = rows.every(Array.isArray)
    ? (rows as readonly (readonly unknown[])[])
    : rows.map(byName(layout, options))
  const columns = checkedColumns(layout, ordered, options)
  const feeds: Record<string, Tensor> = {}
  for (const input of layout.inputs) feeds[input.name] = fill(layout, input, ordered, input.width ?? columns, options)
  return feeds
}

/** @throws Failure unless every row has the columns that the model takes */
function checkedColumns(layout: Layout, rows: readonly (readonly unknown[])[], { first = 0 }: FeedOptions): number {
  const columns = layout.columns ?? rows[0]?.length ?? 0
  checkSize(rows.length, columns)
  for (let row = 0; row < rows.length; row++) {
    const found = rows[row]?.length ?? 0
    if (found === columns) continue
    throw new Failure('InvalidData', `Row ${first + row} has ${found} columns; the model takes ${columns}.`, {
      details: layout.names ? [`columns: ${layout.names.join(', ').slice(0, 1000)}`] : [],
    })
  }
  return columns
}

/** @throws Failure for a table without cells, or with more than one request may bring */
export function checkSize(rows: number, columns: number): void {
  if (rows === 0 || columns === 0) throw new Failure('InvalidData', 'The table has no cells; give at least one row.')
  if (rows > MAX_ROWS || rows * columns > MAX_CELLS) {
    throw new Failure(
      'BodyTooLarge',
      `The table has ${rows} rows of ${columns} columns; at most ${MAX_ROWS} rows and ${MAX_CELLS} cells are taken at once.`,
    )
  }
}

function byName({ names }: Layout, { first = 0 }: FeedOptions): (row: Row, index: number) => readonly unknown[] {
  if (!names) {
    throw new Failure(
      'InvalidData',
      'The model does not name its columns: give each row as a list, or the names under tasks.predict.columns in config.json.',
    )
  }
  const known = new Set(names)
  return (row, index) => {
    if (Array.isArray(row)) throw new Failure('InvalidData', `Row ${first + index} is a list, and others are objects.`)
    if (typeof row !== 'object' || row === null) {
      throw new Failure('InvalidData', `Row ${first + index} is neither a list nor an object.`)
    }
    const record = row as Readonly<Record<string, unknown>>
    const unknown = Object.keys(record).find((name) => !known.has(name))
    if (unknown !== undefined) {
      throw new Failure(
        'InvalidData',
        `Row ${first + index} has the unknown column ${JSON.stringify(unknown.slice(0, 60))}.`,
        {
          details: [`columns: ${names.join(', ').slice(0, 1000)}`],
        },
      )
    }
    return names.map((name) => (Object.hasOwn(record, name) ? record[name] : null))
  }
}

function fill(
  layout: Layout,
  { name, type, first }: InputLayout,
  rows: readonly (readonly unknown[])[],
  width: number,
  options: FeedOptions,
): Tensor {
  const dims = [rows.length, width]
  const count = rows.length * width
  const cells = (write: (at: number, value: unknown) => boolean, expected: string) => {
    let at = 0
    for (let row = 0; row < rows.length; row++) {
      const values = rows[row]
      for (let column = first; column < first + width; column++) {
        if (!write(at++, values?.[column]))
          throw misfit(layout, (options.first ?? 0) + row, column, values?.[column], expected)
      }
    }
  }
  switch (type) {
    case 'float32':
    case 'float64': {
      const data = type === 'float32' ? new Float32Array(count) : new Float64Array(count)
      cells(
        (at, value) => {
          const number = typeof value === 'number' ? value : floatOf(value, options)
          data[at] = number
          // NaN stands for a missing value. Infinity is none, and comes about when a number is too large for the type.
          return Number.isFinite(data[at]) || Number.isNaN(number)
        },
        `a number that ${type} can hold${options.text ? '' : ', or null for a missing value'}`,
      )
      return type === 'float32'
        ? { type, dims, data: data as Float32Array }
        : { type, dims, data: data as Float64Array }
    }
    case 'int64': {
      const data = new BigInt64Array(count)
      cells((at, value) => {
        const integer = integerOf(value)
        if (integer === undefined || BigInt.asIntN(64, integer) !== integer) return false
        data[at] = integer
        return true
      }, 'a whole number')
      return { type, dims, data }
    }
    case 'int32': {
      const data = new Int32Array(count)
      cells((at, value) => {
        const integer = integerOf(value)
        if (integer === undefined || BigInt.asIntN(32, integer) !== integer) return false
        data[at] = Number(integer)
        return true
      }, 'a whole number of 32 bits')
      return { type, dims, data }
    }
    case 'bool': {
      const data = new Uint8Array(count)
      cells((at, value) => {
        const truth = options.text ? TRUTHS.get(String(value).trim().toLowerCase()) : value
        if (typeof truth !== 'boolean') return false
        data[at] = truth ? 1 : 0
        return true
      }, 'true or false')
      return { type, dims, data }
    }
    case 'string': {
      const data = new Array<string>(count)
      cells((at, value) => {
        if (typeof value !== 'string') return false
        data[at] = value
        return true
      }, 'a string')
      return { type, dims, data }
    }
    default:
      throw new TypeError(`the input ${name} has the type ${type satisfies never}`)
  }
}

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/** How tables write a missing value; of pandas' list those that no one means otherwise. */
const MISSING = new Set(['', 'nan', 'na', 'n/a', 'null', 'none'])

/** NaN for a missing value, Infinity for what is no number. */
function floatOf(value: unknown, options: FeedOptions): number {
  if (value === null) return Number.NaN
  if (typeof value === 'bigint') return Number(value)
  if (!options.text || typeof value !== 'string') return Number.POSITIVE_INFINITY
  const text = value.trim()
  const number = Number(text)
  // Number() takes hexadecimal too, and nothing for zero.
  if (/^[-+.\d]/.test(text) && !/x|o|b/i.test(text) && !Number.isNaN(number)) return number
  return MISSING.has(text.toLowerCase()) ? Number.NaN : Number.POSITIVE_INFINITY
}

/** Integers beyond 2^53 have to be written as strings in JSON. */
function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return /^[-+]?\d{1,20}$/.test(text) ? BigInt(text.replace('+', '')) : undefined
}

function misfit(layout: Layout, row: number, column: number, value: unknown, expected: string): Failure {
  const shown = value === undefined ? 'nothing' : (JSON.stringify(value)?.slice(0, 60) ?? typeof value)
  return new Failure('InvalidData', `Row ${row}, ${columnName(layout, column)}: ${shown} is not ${expected}.`)
}
