/** A tensor as tasks see it, row-major. Half precision never shows: the device worker converts it both ways. */
export type Tensor =
  | { type: 'float32'; dims: readonly number[]; data: Float32Array }
  | { type: 'float64'; dims: readonly number[]; data: Float64Array }
  | { type: 'int64'; dims: readonly number[]; data: BigInt64Array }
  | { type: 'int32'; dims: readonly number[]; data: Int32Array }
  | { type: 'uint8' | 'bool'; dims: readonly number[]; data: Uint8Array }
  | { type: 'string'; dims: readonly number[]; data: string[] }

export type Tensors = Readonly<Record<string, Tensor>>

export function float32(dims: readonly number[], data: Float32Array | readonly number[]): Tensor {
  return { type: 'float32', dims, data: data instanceof Float32Array ? data : Float32Array.from(data) }
}

export function int64(dims: readonly number[], data: readonly number[]): Tensor {
  return { type: 'int64', dims, data: BigInt64Array.from(data, BigInt) }
}

/** How many values a tensor of these dimensions has. */
export function elements(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1)
}

/**
 * The float32 values of an output.
 * @throws TypeError when the model gave none of that name and type: its signature was checked at load, so this is no caller's fault.
 */
export function floatsOf(tensors: Tensors, name: string): Extract<Tensor, { type: 'float32' }> {
  const tensor = tensors[name]
  if (tensor?.type !== 'float32')
    throw new TypeError(`the model gave no float32 ${name}, but ${tensor?.type ?? 'nothing'}`)
  return tensor
}

/** Moving a buffer to another thread costs some 2 µs, which is more than copying a small one. */
const LEAST_MOVED_BYTES = 16 * 1024

/** The buffers to be moved to another thread, each once: all but shared and small ones, which are better copied. */
export function movableBuffers(tensors: Tensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { data } of Object.values(tensors)) {
    if (Array.isArray(data) || !(data.buffer instanceof ArrayBuffer)) continue
    if (data.buffer.byteLength >= LEAST_MOVED_BYTES) buffers.add(data.buffer)
  }
  return [...buffers]
}
