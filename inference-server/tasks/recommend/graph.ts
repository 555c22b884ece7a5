import { initializer, modelFile, node, valueInfo } from '../../formats/onnx.ts'

/** How alike a query and an item are. */
export type Metric = 'cosine' | 'dot' | 'euclidean'

/** Where an item's vectors lie: a matrix [items, dimensions] in a file. */
export type VectorFile = {
  folder: string
  file: string
  /** Of the first value, in bytes. */
  offset: number
  type: 'float16' | 'float32' | 'float64'
  items: number
  dimensions: number
  /** The values of one dimension lie together, as in NumPy arrays of Fortran order. */
  columnMajor: boolean
}

export const TOP_K = { query: 'query', mask: 'mask', scores: 'scores', indices: 'indices' } as const

/**
 * A graph that gives the `k` best items of a catalogue for each query, the best first, and of equals the one that comes first:
 * `query` float32[n, dimensions] and `mask` bool[n, items] (which items may be given; [n, 1] for all or none of them) to `scores` float32[n, k] and `indices`
 * int64[n, k]. Items that may not be given have the score -Infinity. The comparison is exact: one matrix product for all queries.
 *
 * The catalogue is a constant whose bytes stay in their file. The runtime maps them, and a GPU gets them once, at load. (As an
 * input of each run instead: on a CPU the time for one query is the same, 8 take 24 ms for 13 on 100,000 x 512, since constants are
 * rearranged at load; a GPU would get them again each time.)
 *
 * @param perItem one number for each item, of the item's vector: the reciprocal of its length for `cosine`, the square of its
 * length for `euclidean` (whose score is the negative square of the distance, but for the query's own part). `dot` needs none.
 */
export function topKGraph(vectors: VectorFile, metric: Metric, perItem: Float32Array, k: number): Uint8Array {
  const { items, dimensions, columnMajor } = vectors
  const width = { float16: 2, float32: 4, float64: 8 }[vectors.type]
  const bytes = (data: Float32Array | BigInt64Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return modelFile({
    name: 'top-k',
    inputs: [valueInfo(TOP_K.query, 'float32', ['n', dimensions]), valueInfo(TOP_K.mask, 'bool', ['n', 'm'])],
    outputs: [valueInfo(TOP_K.scores, 'float32', ['n', k]), valueInfo(TOP_K.indices, 'int64', ['n', k])],
    nodes: [
      ...(vectors.type === 'float32' ? [] : [node('Cast', ['stored'], ['catalogue'], { to: 1 })]),
      node('Gemm', [TOP_K.query, 'catalogue'], ['products'], { transB: columnMajor ? 0 : 1 }),
      ...comparison(metric),
      node('Where', [TOP_K.mask, 'compared', 'never'], ['allowed']),
      node('TopK', ['allowed', 'k'], [TOP_K.scores, TOP_K.indices]),
    ],
    initializers: [
      initializer({
        name: vectors.type === 'float32' ? 'catalogue' : 'stored',
        type: vectors.type,
        dims: columnMajor ? [dimensions, items] : [items, dimensions],
        file: vectors.file,
        offset: vectors.offset,
        length: items * dimensions * width,
      }),
      ...(metric === 'dot'
        ? []
        : [initializer({ name: 'perItem', type: 'float32', dims: [1, items], data: bytes(perItem) })]),
      ...(metric === 'euclidean'
        ? [initializer({ name: 'two', type: 'float32', dims: [], data: bytes(Float32Array.of(2)) })]
        : []),
      initializer({ name: 'never', type: 'float32', dims: [], data: bytes(Float32Array.of(Number.NEGATIVE_INFINITY)) }),
      initializer({ name: 'k', type: 'int64', dims: [1], data: bytes(BigInt64Array.of(BigInt(k))) }),
    ],
  })
}

function comparison(metric: Metric): Uint8Array[] {
  switch (metric) {
    case 'dot':
      return [node('Identity', ['products'], ['compared'])]
    case 'cosine':
      return [node('Mul', ['products', 'perItem'], ['compared'])]
    case 'euclidean':
      return [node('Mul', ['products', 'two'], ['doubled']), node('Sub', ['doubled', 'perItem'], ['compared'])]
  }
}
