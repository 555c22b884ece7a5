import { CsvError, parse } from 'csv-parse/sync'
import { Failure } from '../../core/errors.ts'
import { type NpyArray, readNpy } from '../../formats/npy.ts'
import type { Tensors } from '../../runtime/tensors.ts'
import type { Layout } from './layout.ts'
import { checkSize, feedsOf, MAX_ROWS } from './rows.ts'

/** A CSV record longer than this is no row of a table, but a quote that is never closed. */
const MAX_RECORD_BYTES = 1_000_000

/**
 * A model's feeds for a table in a file: a NumPy array [N, columns] or [columns], or CSV with or without a header.
 * @throws Failure InvalidData, InvalidRequest, BodyTooLarge
 */
export function feedsOfFile(layout: Layout, bytes: Uint8Array, header?: 'present' | 'absent'): Tensors {
  return bytes[0] === 0x93 ? feedsOfArray(layout, readNpy(bytes)) : feedsOfCsv(layout, bytes, header)
}

function feedsOfArray(layout: Layout, array: NpyArray): Tensors {
  const { dims, data } = array
  if (dims.length !== 1 && dims.length !== 2) {
    throw new Failure(
      'InvalidData',
      `The array has ${dims.length} dimensions; give [rows, columns], or [columns] for one row.`,
    )
  }
  const [rows, columns] = dims.length === 1 ? [1, dims[0] ?? 0] : [dims[0] ?? 0, dims[1] ?? 0]
  checkSize(rows, columns)
  const [input] = layout.inputs
  const asItIs =
    layout.inputs.length === 1 &&
    input?.type === array.type &&
    array.type === 'float32' &&
    columns === (layout.columns ?? columns) &&
    !array.data.some((value) => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
  if (input && asItIs) return { [input.name]: { type: 'float32', dims: [rows, columns], data: array.data } }
  const cell = array.type === 'bool' ? (at: number) => data[at] === 1 : (at: number) => data[at]
  return feedsOf(
    layout,
    Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (_, column) => cell(row * columns + column)),
    ),
  )
}

function feedsOfCsv(layout: Layout, bytes: Uint8Array, said?: 'present' | 'absent'): Tensors {
  const records = parsed(bytes)
  const [first] = records
  if (first === undefined) throw new Failure('InvalidData', 'The CSV is empty.')
  const text = { text: true }
  if (!(said ? said === 'present' : looksLikeHeader(layout, first))) return feedsOf(layout, records, text)
  const header = first.map((name) => name.trim())
  const rows = records.slice(1)
  const { names } = layout
  if (!names) return feedsOf(layout, rows, text)
  // The header may have the columns in another order, and must have each once.
  const places = names.map((name) => header.indexOf(name))
  const missing = names.filter((_, column) => places[column] === -1)
  if (missing.length > 0 || header.length !== names.length) {
    throw new Failure('InvalidData', 'The header of the CSV does not have the columns that the model takes.', {
      details: [`columns: ${names.join(', ').slice(0, 1000)}`, `found: ${header.join(', ').slice(0, 1000)}`],
    })
  }
  const ordered = rows.map((row) => places.map((place) => row[place]))
  return feedsOf(layout, ordered, text)
}

function parsed(bytes: Uint8Array): string[][] {
  try {
    return parse(bytes, { bom: true, skip_empty_lines: true, max_record_size: MAX_RECORD_BYTES, to: MAX_ROWS + 2 })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new Failure('InvalidData', `The CSV cannot be read: ${error.message.slice(0, 300)}`, { cause: error })
  }
}

function looksLikeHeader(layout: Layout, first: readonly string[]): boolean {
  if (layout.names) return first.some((cell) => layout.names?.includes(cell.trim()))
  const numeric = layout.inputs.every(({ type }) => type !== 'string' && type !== 'bool')
  return (
    numeric && first.every((cell) => /^[\s"]*[A-Za-z_]/.test(cell) && !/^\s*(nan|na|n\/a|null|none)\s*$/i.test(cell))
  )
}
