import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { PriceTable } from './prices.ts'

const MAX_BYTES = 1_048_576

/**
 * Reads prices from a YAML or JSON file: region → instance type → USD an hour.
 * @throws Error that names the file and what is wrong in it
 */
export async function readPriceFile(path: string): Promise<PriceTable> {
  const text = await readFile(path, 'utf8')
  if (text.length > MAX_BYTES) throw new Error(`${path}: a price file may have ${MAX_BYTES} characters`)
  const table: unknown = parse(text) ?? {}
  if (!isTable(table)) throw new Error(`${path}: write a region, below it instance types and their USD an hour`)
  for (const [region, types] of Object.entries(table)) {
    if (!isTable(types)) throw new Error(`${path}: ${region} must hold instance types and their USD an hour`)
    for (const [type, price] of Object.entries(types))
      if (typeof price !== 'number' || !(price >= 0 && price <= 100_000))
        throw new Error(`${path}: ${region}.${type} must be a number of USD an hour, from 0 to 100000`)
  }
  return table as PriceTable
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
