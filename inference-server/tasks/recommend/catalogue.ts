import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { type Metric, topKGraph, type VectorFile } from './graph.ts'
import { ID, type Items, itemsOf, numberedItems, VECTOR_NAMES } from './items.ts'
import { ITEM_EXTENSIONS, readItems } from './read-items.ts'
import { npyVectors, perItem, type VectorSink, vectorSink } from './vectors.ts'

/**
 * The catalogue of a model directory, by its files' names:
 *
 * - `catalogue.npy`: the vectors, float32 (or float16, float64) of the shape (items, dimensions);
 * - `catalogue.parquet`, `.json`, `.jsonl` or `.csv`: the items in the same order, each with `id` and any other fields. Without
 *   such a file an item's id is its row.
 *
 * Without `catalogue.npy`, the items have their vectors themselves, in a field `embedding` or `vector` (not in CSV).
 */
export type Catalogue = { items: Items; vectors: VectorFile; files: readonly string[] }

const NAME = 'catalogue'

/** A table of more items than this is one for an approximate index. */
const MAX_ITEMS = 20_000_000

/**
 * Reads the catalogue of a directory; undefined where there is none.
 * @throws Error that names the file and what is wrong with it
 */
export async function readCatalogue(directory: string): Promise<Catalogue | undefined> {
  const files = (await readdir(directory)).filter(
    (file) => file === `${NAME}.npy` || (file.startsWith(`${NAME}.`) && ITEM_EXTENSIONS.includes(extname(file))),
  )
  const lists = files.filter((file) => extname(file) !== '.npy')
  if (lists.length > 1) throw new Error(`${lists.join(' and ')} both list the items of the catalogue; one is expected`)
  const [list] = lists
  const separate = files.includes(`${NAME}.npy`) ? await npyVectors(join(directory, `${NAME}.npy`)) : undefined
  if (!list) return separate && { items: numberedItems(separate.items), vectors: separate, files }
  try {
    const { items, vectors } = await itemsIn(join(directory, list), separate === undefined)
    const found = separate ?? vectors
    if (!found) {
      throw new Error(
        `there is no ${NAME}.npy, and the items have no field ${VECTOR_NAMES.join(', ')} with their vectors`,
      )
    }
    if (found.items !== items.count)
      throw new Error(`it has ${items.count} items, and ${NAME}.npy ${found.items} vectors`)
    return { items, vectors: found, files }
  } catch (cause) {
    throw new Error(`${list}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

/** The top-k graph of a catalogue. @throws Error for vectors with values that are no numbers */
export async function catalogueGraph({ vectors }: Catalogue, metric: Metric, k: number): Promise<Uint8Array> {
  return topKGraph(vectors, metric, await perItem(vectors, metric), k)
}

async function itemsIn(path: string, withVectors: boolean): Promise<{ items: Items; vectors: VectorFile | undefined }> {
  const table = new Map<string, unknown[]>()
  let sink: VectorSink | undefined
  let count = 0
  try {
    for await (const { rows, columns } of readItems(path)) {
      for (const [name, values] of columns) {
        if (VECTOR_NAMES.includes(name)) {
          if (!withVectors) continue
          sink ??= await vectorSink()
          await sink.add(values)
          continue
        }
        const column = table.get(name) ?? new Array<unknown>(count).fill(null)
        table.set(name, column)
        for (const value of values) column.push(value)
      }
      count += rows
      if (count > MAX_ITEMS) throw new Error(`it has more than ${MAX_ITEMS} items`)
      for (const column of table.values()) while (column.length < count) column.push(null)
    }
  } finally {
    await sink?.close()
  }
  if (count === 0) throw new Error('it has no items')
  if (extname(path) === '.csv') for (const [name, values] of table) if (name !== ID) table.set(name, typed(values))
  return { items: itemsOf(count, table), vectors: sink?.place() }
}

/** CSV has only text: a column of numbers is one whose every cell is a number or empty. */
function typed(values: readonly unknown[]): unknown[] {
  const present = values.map((value) => (value === '' ? null : value))
  const numeric = present.every(
    (value) => value === null || (String(value).trim() !== '' && Number.isFinite(Number(value))),
  )
  return numeric ? present.map((value) => (value === null ? null : Number(value))) : present
}
