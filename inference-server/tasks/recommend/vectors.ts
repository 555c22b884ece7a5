import { rmSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, realpath, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { readNpyHeader } from '../../formats/npy.ts'
import type { Metric, VectorFile } from './graph.ts'

const TYPES: Readonly<Record<string, VectorFile['type']>> = { '<f2': 'float16', '<f4': 'float32', '<f8': 'float64' }
const ARRAYS = { float16: Float16Array, float32: Float32Array, float64: Float64Array } as const

/** What is read of a file at once: enough for the disk, and too little to keep other work waiting. */
const BLOCK_BYTES = 4 * 1024 * 1024

/** Where the vectors of a NumPy file lie. @throws Error for arrays that are no matrix of little-endian floats */
export async function npyVectors(path: string): Promise<VectorFile> {
  // The runtime refuses links out of the folder that it is told of; those of the model directory are the user's own.
  const real = await realpath(path)
  const { size } = await stat(real)
  const file = await open(path)
  try {
    const head = Buffer.alloc(Math.min(size, 16 * 1024))
    await file.read(head, 0, head.length, 0)
    const { descr, shape, fortranOrder, dataOffset } = readNpyHeader(head, size)
    const type = TYPES[descr]
    const [items, dimensions] = shape
    if (!type || shape.length !== 2 || !items || !dimensions) {
      throw new Error(
        `${basename(path)} has the type ${descr} and the shape (${shape.join(', ')}); expected float32 (or float16, float64), little-endian, of the shape (items, dimensions)`,
      )
    }
    return {
      folder: dirname(real),
      file: basename(real),
      offset: dataOffset,
      type,
      items,
      dimensions,
      columnMajor: fortranOrder,
    }
  } finally {
    await file.close()
  }
}

/**
 * Takes vectors that stand among items, in Parquet or JSON, and puts them in a file of their own, from which the runtime maps
 * them: they may be larger than a graph can be. The folder goes when the process ends.
 */
export async function vectorSink(): Promise<VectorSink> {
  const folder = await mkdtemp(join(tmpdir(), 'catalogue-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = await open(join(folder, 'vectors'), 'wx')
  let dimensions = 0
  let items = 0
  return {
    async add(vectors) {
      const [known] = vectors
      if (dimensions === 0) dimensions = isVector(known) ? known.length : 0
      if (dimensions === 0) throw new Error(`the vector of item ${items} is no list of numbers`)
      const block = new Float32Array(vectors.length * dimensions)
      vectors.forEach((vector, at) => {
        if (!isVector(vector) || vector.length !== dimensions) {
          throw new Error(`the vector of item ${items + at} is no list of ${dimensions} numbers`)
        }
        block.set(vector, at * dimensions)
      })
      await file.writeFile(block)
      items += vectors.length
    },
    close: () => file.close(),
    place: () => ({ folder, file: 'vectors', offset: 0, type: 'float32', items, dimensions, columnMajor: false }),
  }
}

export type VectorSink = {
  /** Those of the next items. @throws Error naming the item whose vector is none, or of other dimensions */
  add(vectors: readonly unknown[]): Promise<void>
  close(): Promise<void>
  /** Where they lie, once it is closed. */
  place(): VectorFile
}

const isVector = (value: unknown): value is ArrayLike<number> & { length: number } =>
  (Array.isArray(value) && value.every((each) => typeof each === 'number')) ||
  value instanceof Float32Array ||
  value instanceof Float64Array

/**
 * What the top-k graph needs to know of each item's vector. Reads all of them once, and so finds those that would spoil every
 * answer.
 * @throws Error naming the item whose vector has a value that is no number
 */
export async function perItem(vectors: VectorFile, metric: Metric): Promise<Float32Array> {
  const squares = new Float64Array(vectors.items)
  const file = await open(join(vectors.folder, vectors.file))
  try {
    for await (const { first, values } of blocks(file, vectors)) addSquares(squares, vectors, first, values)
  } finally {
    await file.close()
  }
  const bad = squares.findIndex((square) => !Number.isFinite(square))
  if (bad !== -1) throw new Error(`the vector of item ${bad} has a value that is no number`)
  if (metric !== 'cosine') return Float32Array.from(squares)
  // A vector of zeros is like nothing: its score is 0.
  return Float32Array.from(squares, (square) => (square > 0 ? 1 / Math.sqrt(square) : 0))
}

/** The vector of one item. */
export async function vectorAt(vectors: VectorFile, item: number): Promise<Float32Array> {
  const { offset, type, items, dimensions, columnMajor } = vectors
  const Values = ARRAYS[type]
  const width = Values.BYTES_PER_ELEMENT
  const file = await open(join(vectors.folder, vectors.file))
  try {
    if (!columnMajor) {
      const row = new Values(dimensions)
      await file.read(row, 0, row.byteLength, offset + item * row.byteLength)
      return Float32Array.from(row)
    }
    const found = new Float32Array(dimensions)
    for (let at = 0; at < dimensions; at++) {
      const one = new Values(1)
      await file.read(one, 0, width, offset + (at * items + item) * width)
      found[at] = one[0] ?? 0
    }
    return found
  } finally {
    await file.close()
  }
}

/** The values in order: whole rows of a row-major file, any run of a column-major one. */
async function* blocks(file: FileHandle, { offset, type, items, dimensions, columnMajor }: VectorFile) {
  const Values = ARRAYS[type]
  const total = items * dimensions
  const whole = columnMajor ? 1 : dimensions
  const count = whole * Math.max(1, Math.floor(BLOCK_BYTES / Values.BYTES_PER_ELEMENT / whole))
  for (let first = 0; first < total; first += count) {
    const values = new Values(Math.min(count, total - first))
    const { bytesRead } = await file.read(values, 0, values.byteLength, offset + first * Values.BYTES_PER_ELEMENT)
    if (bytesRead !== values.byteLength) throw new Error('the file of vectors ends early')
    // In one type, so that the sums are compiled for it alone: a million items take two seconds, and not twenty.
    yield { first, values: values instanceof Float32Array ? values : Float32Array.from(values) }
  }
}

function addSquares(squares: Float64Array, vectors: VectorFile, first: number, values: Float32Array): void {
  const { items, dimensions, columnMajor } = vectors
  if (columnMajor) {
    for (let at = 0; at < values.length; at++) {
      const value = values[at] ?? 0
      const item = (first + at) % items
      squares[item] = (squares[item] ?? 0) + value * value
    }
    return
  }
  let item = first / dimensions
  for (let start = 0; start < values.length; start += dimensions) {
    let sum = 0
    for (let at = start; at < start + dimensions; at++) {
      const value = values[at] as number
      sum += value * value
    }
    squares[item++] = sum
  }
}
