import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { parse } from 'csv-parse'
import { asyncBufferFromFile, type Compressors, parquetMetadataAsync, parquetRead } from 'hyparquet'

/** Some rows of a table, column by column. Every batch has the columns that its rows have; absent ones are null. */
export type Batch = { rows: number; columns: ReadonlyMap<string, readonly unknown[]> }

/** Rows of JSON Lines and CSV that are taken at once. */
const BATCH_ROWS = 4096

/** The forms in which items may be listed, by the file's extension. */
const READERS: Readonly<Record<string, (path: string) => AsyncGenerator<Batch>>> = {
  '.parquet': parquet,
  '.json': json,
  '.jsonl': jsonLines,
  '.csv': csv,
}

export const ITEM_EXTENSIONS: readonly string[] = Object.keys(READERS)

/** The items of a file, in order. @throws Error that names what is wrong with it */
export async function* readItems(path: string): AsyncGenerator<Batch> {
  const read = READERS[extname(path)]
  if (!read) throw new Error(`items are read from ${ITEM_EXTENSIONS.join(', ')}`)
  yield* read(path)
}

/** Snappy is hyparquet's own; for the others Node has what is needed. */
const COMPRESSORS: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
}

async function* parquet(path: string): AsyncGenerator<Batch> {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  let rowStart = 0
  // One group of rows after the other: a column of vectors is large, and its lists of numbers larger still.
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows)
    const rowEnd = rowStart + rows
    const columns = new Map<string, unknown[]>()
    await parquetRead({
      file,
      metadata,
      rowStart,
      rowEnd,
      compressors: COMPRESSORS,
      onChunk({ columnName, columnData, rowStart: first }) {
        const column = columns.get(columnName) ?? new Array<unknown>(rows).fill(null)
        columns.set(columnName, column)
        for (let at = 0; at < columnData.length; at++) {
          const row = first + at - rowStart
          if (row >= 0 && row < rows) column[row] = columnData[at]
        }
      },
    })
    yield { rows, columns }
    rowStart = rowEnd
  }
}

async function* json(path: string): AsyncGenerator<Batch> {
  const items: unknown = JSON.parse(await readFile(path, 'utf8'))
  if (!Array.isArray(items)) throw new Error('the file has no list of items')
  for (let start = 0; start < items.length; start += BATCH_ROWS)
    yield batch(items.slice(start, start + BATCH_ROWS), start)
}

async function* jsonLines(path: string): AsyncGenerator<Batch> {
  let items: unknown[] = []
  let start = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue
    try {
      items.push(JSON.parse(line))
    } catch (cause) {
      throw new Error(`line ${start + items.length + 1} is no JSON`, { cause })
    }
    if (items.length < BATCH_ROWS) continue
    yield batch(items, start)
    start += items.length
    items = []
  }
  if (items.length > 0) yield batch(items, start)
}

async function* csv(path: string): AsyncGenerator<Batch> {
  let items: unknown[] = []
  let start = 0
  const records: AsyncIterable<Record<string, string>> = createReadStream(path).pipe(
    parse({ bom: true, columns: true, skip_empty_lines: true }),
  )
  for await (const record of records) {
    items.push(record)
    if (items.length < BATCH_ROWS) continue
    yield batch(items, start)
    start += items.length
    items = []
  }
  if (items.length > 0) yield batch(items, start)
}

/** An item is an object, or its id alone. */
function batch(items: readonly unknown[], start: number): Batch {
  const columns = new Map<string, unknown[]>()
  items.forEach((item, row) => {
    const entries: [string, unknown][] =
      typeof item === 'string' || typeof item === 'number'
        ? [['id', item]]
        : typeof item === 'object' && item !== null && !Array.isArray(item)
          ? Object.entries(item)
          : []
    if (entries.length === 0) throw new Error(`item ${start + row} is neither an object nor an id`)
    for (const [name, value] of entries) {
      const column = columns.get(name) ?? new Array<unknown>(items.length).fill(null)
      columns.set(name, column)
      column[row] = value
    }
  })
  return { rows: items.length, columns }
}
