import { writeNpy } from '../../formats/npy.ts'
import type { Tensor } from '../../runtime/tensors.ts'

export type FloatTensor = Tensor & { type: 'float32' }
export type Precision = 'float32' | 'float16'

/** Plain little-endian values, row-major. */
export function rawBytes({ data }: FloatTensor, dtype: Precision): Uint8Array {
  const values = dtype === 'float16' ? Float16Array.from(data) : data
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** A NumPy file. */
export function npyBytes(tensor: FloatTensor, dtype: Precision): Uint8Array {
  return writeNpy(tensor, { half: dtype === 'float16' })
}
