import { Failure } from '../../core/errors.ts'
import { join } from '../../runtime/batch.ts'
import type { Model } from '../../runtime/model.ts'
import { elements, type Tensor, type Tensors } from '../../runtime/tensors.ts'
import type { TaskContext } from '../task.ts'

/** Tables of more rows than this do not wait for others to share a run, and move to the device instead of being copied. */
const MAX_SHARED_ROWS = 256

/**
 * A tabular model's outputs for all rows.
 * @throws Failure InvalidData when the model refuses a row, such as one with a category that it does not know
 */
export async function runRows(
  context: TaskContext,
  model: Model,
  feeds: Tensors,
  rowsPerRun: number | undefined,
  outputs: readonly string[],
): Promise<Tensors> {
  const rows = rowsOf(feeds)
  try {
    if (rowsPerRun === undefined) return await context.run(model, feeds, { outputs, batch: rows <= MAX_SHARED_ROWS })
    const parts: Tensors[] = []
    for (let start = 0; start < rows; start += rowsPerRun) {
      const part = mapped(feeds, (tensor) => window(tensor, start, rowsPerRun))
      parts.push(await context.run(model, part, { outputs }))
    }
    return mapped(join(parts), (tensor) => window(tensor, 0, rows))
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'ModelFailed') throw error
    // Shapes and types were checked, and the example went through: what is left are the values.
    throw new Failure('InvalidData', 'The model refuses these rows; they may have a category that it does not know.', {
      cause: error,
      ...(typeof error.cause === 'string' ? { details: [error.cause.slice(0, 300)] } : {}),
    })
  }
}

export const rowsOf = (feeds: Tensors): number => {
  for (const { dims } of Object.values(feeds)) return dims[0] ?? 0
  return 0
}

const mapped = (tensors: Tensors, change: (tensor: Tensor) => Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]))

/** Rows of a tensor; the last one again where there are not so many. */
function window(tensor: Tensor, start: number, rows: number): Tensor {
  const [total = 0, ...rest] = tensor.dims
  const width = elements(rest)
  const there = Math.min(rows, total - start)
  const given = tensor.data.slice(start * width, (start + there) * width)
  const dims = [rows, ...rest]
  if (there === rows) return { ...tensor, dims, data: given } as Tensor
  if (Array.isArray(given)) {
    const last = given.slice(-width)
    const filled = given.concat(...Array.from({ length: rows - there }, () => last))
    return { type: 'string', dims, data: filled }
  }
  const data = new (given.constructor as new (length: number) => Float32Array)(rows * width)
  data.set(given as Float32Array)
  for (let row = there; row < rows; row++) data.copyWithin(row * width, (there - 1) * width, there * width)
  return { ...tensor, dims, data } as Tensor
}
