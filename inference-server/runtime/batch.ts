import { elements, type Tensor, type Tensors } from './tensors.ts'

/**
 * Runs that may be one have the same key: the same model, the same outputs, and feeds of the same names, types and dimensions
 * but for the first.
 */
export function batchKey(model: number, feeds: Tensors, outputs: readonly string[] = []): string {
  let key = `${model}>${outputs.join()}`
  for (const [name, { type, dims }] of Object.entries(feeds)) key += `;${name}:${type}:${dims.slice(1).join('x')}`
  return key
}

/** How many items the first dimension of feeds counts; 1 where there is nothing to count. */
export function itemsOf(feeds: Tensors): number {
  for (const { dims } of Object.values(feeds)) return dims[0] ?? 1
  return 1
}

/** Joins feeds of one key along their first dimension. */
export function join(feeds: readonly Tensors[]): Tensors {
  const [first] = feeds
  if (!first || feeds.length === 1) return first ?? {}
  return Object.fromEntries(Object.keys(first).map((name) => [name, concatenate(feeds.map((each) => each[name]))]))
}

/**
 * Splits outputs along their first dimension into parts of so many items each.
 * @throws RangeError when an output does not have as many items as went in: the model's first dimension is no batch.
 */
export function split(outputs: Tensors, items: readonly number[]): Tensors[] {
  if (items.length === 1) return [outputs]
  const total = items.reduce((sum, count) => sum + count, 0)
  const parts: Record<string, Tensor>[] = items.map(() => ({}))
  for (const [name, tensor] of Object.entries(outputs)) {
    if (tensor.dims[0] !== total) {
      throw new RangeError(`${name} has ${tensor.dims[0] ?? 'no'} items for ${total} that went in`)
    }
    const stride = elements(tensor.dims.slice(1))
    let from = 0
    for (const [at, count] of items.entries()) {
      const part = parts[at]
      // Copies, because the parts go to different requests, which may move them to other threads.
      if (part) part[name] = sliceOf(tensor, from * stride, (from + count) * stride, [count, ...tensor.dims.slice(1)])
      from += count
    }
  }
  return parts
}

function sliceOf(tensor: Tensor, start: number, end: number, dims: readonly number[]): Tensor {
  return { ...tensor, dims, data: tensor.data.slice(start, end) } as Tensor
}

function concatenate(tensors: readonly (Tensor | undefined)[]): Tensor {
  const [first] = tensors
  if (!first) throw new TypeError('feeds of one batch have the same names')
  const given = tensors.map((tensor) => tensor ?? first)
  const dims = [given.reduce((sum, { dims: [items = 1] }) => sum + items, 0), ...first.dims.slice(1)]
  if (first.type === 'string') {
    return { type: 'string', dims, data: given.flatMap(({ data }) => data as string[]) }
  }
  const Kind = first.data.constructor as new (length: number) => Float32Array
  const data = new Kind(elements(dims))
  let at = 0
  for (const tensor of given) {
    data.set(tensor.data as Float32Array, at)
    at += tensor.data.length
  }
  return { ...first, dims, data } as Tensor
}
