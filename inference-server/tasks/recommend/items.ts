/** The items of a catalogue, column by column: a million of them as objects would take many times the memory. */
export type Items = {
  count: number
  ids: readonly (string | number)[]
  columns: ReadonlyMap<string, Column>
  /** The row of an item. */
  rowOf(id: string | number): number | undefined
  /** What is known of an item besides its id: the named fields, or all of them. */
  metadata(row: number, fields?: readonly string[]): Record<string, unknown>
}

export type Scalar = string | number | boolean

/** In shared memory, so that a CPU thread can filter without a copy. */
export type Column =
  /** NaN where there is no value. */
  | { kind: 'numbers'; values: Float64Array<SharedArrayBuffer> }
  /** Each value is `dictionary[code]`; -1 where there is none. */
  | { kind: 'words'; codes: Int32Array<SharedArrayBuffer>; dictionary: readonly Scalar[] }
  /** Lists and objects, which can be given and not be filtered by. */
  | { kind: 'other'; values: readonly unknown[] }

export const ID = 'id'

/** Names that mean the item's vector, in files that hold vectors and items together. */
export const VECTOR_NAMES: readonly string[] = ['embedding', 'vector', 'embeddings']

/**
 * The items of a table given as columns.
 * @throws Error when there is no column `id`, or two items have the same
 */
export function itemsOf(count: number, table: ReadonlyMap<string, readonly unknown[]>): Items {
  const given = table.get(ID)
  if (!given) throw new Error(`the items have no "${ID}"; found ${[...table.keys()].join(', ')}`)
  const ids = given.map((id, row) => {
    if (typeof id === 'bigint') return Number.isSafeInteger(Number(id)) ? Number(id) : String(id)
    if (typeof id === 'string' || typeof id === 'number') return id
    throw new Error(`the id of item ${row} is neither a string nor a number`)
  })
  const rows = new Map(ids.map((id, row) => [id, row]))
  if (rows.size !== ids.length) {
    const twice = ids.find((id, row) => rows.get(id) !== row)
    throw new Error(`two items have the id ${JSON.stringify(twice)}`)
  }
  const columns = new Map<string, Column>()
  for (const [name, values] of table) if (name !== ID) columns.set(name, columnOf(count, values))
  return {
    count,
    ids,
    columns,
    // In a query string every id is text.
    rowOf: (id) =>
      rows.get(id) ?? (typeof id === 'string' && String(Number(id)) === id ? rows.get(Number(id)) : undefined),
    metadata(row, fields = [...columns.keys()]) {
      const found: Record<string, unknown> = {}
      for (const name of fields) {
        const column = columns.get(name)
        if (column) found[name] = cell(column, row)
      }
      return found
    },
  }
}

/** A catalogue of which nothing is known but the order: an item's id is its row. */
export function numberedItems(count: number): Items {
  return itemsOf(count, new Map([[ID, Array.from({ length: count }, (_, row) => row)]]))
}

function cell(column: Column, row: number): unknown {
  switch (column.kind) {
    case 'numbers': {
      const value = column.values[row] ?? Number.NaN
      return Number.isNaN(value) ? null : value
    }
    case 'words':
      return column.dictionary[column.codes[row] ?? -1] ?? null
    case 'other':
      return column.values[row] ?? null
  }
}

function columnOf(count: number, given: readonly unknown[]): Column {
  const values = given.map(plain)
  if (values.every((value) => value === null || typeof value === 'number')) {
    const numbers = new Float64Array(new SharedArrayBuffer(count * 8))
    values.forEach((value, row) => {
      numbers[row] = typeof value === 'number' ? value : Number.NaN
    })
    return { kind: 'numbers', values: numbers }
  }
  if (!values.every((value) => value === null || typeof value !== 'object')) return { kind: 'other', values }
  const codes = new Int32Array(new SharedArrayBuffer(count * 4))
  const dictionary: Scalar[] = []
  const known = new Map<Scalar, number>()
  values.forEach((value, row) => {
    if (value === null) {
      codes[row] = -1
      return
    }
    const code = known.get(value as Scalar) ?? dictionary.push(value as Scalar) - 1
    known.set(value as Scalar, code)
    codes[row] = code
  })
  return { kind: 'words', codes, dictionary }
}

/** Parquet has integers of 64 bits and dates: JSON has neither. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Date) return value.toISOString()
  return value
}
