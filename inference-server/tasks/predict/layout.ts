import type { ColumnType } from '../../families/tabular.ts'
import type { Signature } from '../../runtime/model.ts'

/** How a table's columns are divided among a model's inputs. */
export type Layout = {
  inputs: readonly InputLayout[]
  /** Columns of the whole table; undefined when the model takes any number. */
  columns: number | undefined
  /** The columns' names: of the inputs, where each takes one column, or those that config.json gives. */
  names: readonly string[] | undefined
  /** Rows of each run, for a model exported with a fixed number of them. */
  rowsPerRun: number | undefined
}

export type InputLayout = {
  name: string
  type: ColumnType
  /** The first of its columns in the table. */
  first: number
  /** How many it takes; undefined when any. */
  width: number | undefined
}

/** The layout of a model of the family `tabular`. @throws Error when `names` are not as many as the columns */
export function layoutOf({ inputs }: Signature, names?: readonly string[]): Layout {
  let first = 0
  const layouts = inputs.map(({ name, type, shape }) => {
    const width = typeof shape[1] === 'number' && shape[1] > 0 ? shape[1] : undefined
    const layout: InputLayout = { name, type: type as ColumnType, first, width }
    first += width ?? 0
    return layout
  })
  const columns = layouts.every(({ width }) => width !== undefined) ? first : undefined
  if (names && columns !== undefined && names.length !== columns) {
    throw new Error(`the model takes ${columns} columns, and "columns" names ${names.length}`)
  }
  const single = inputs.length > 1 && layouts.every(({ width }) => width === 1)
  const rows = inputs.map(({ shape }) => shape[0]).find((size) => typeof size === 'number' && size > 0)
  return {
    inputs: layouts,
    columns,
    names: names ?? (single ? layouts.map(({ name }) => name) : undefined),
    rowsPerRun: typeof rows === 'number' ? rows : undefined,
  }
}

/** What a column is called in messages. */
export const columnName = (layout: Layout, column: number): string => {
  const name = layout.names?.[column]
  return name === undefined ? `column ${column}` : `column ${column} (${JSON.stringify(name.slice(0, 60))})`
}
