import { NPY_MEDIA_TYPE, writeNpy } from '../../formats/npy.ts'
import type { Tensor } from '../../runtime/tensors.ts'
import type { Artifact } from '../task.ts'
import type { Prediction } from './answer.ts'

export const CSV_TYPE = 'text/csv'

/**
 * A prediction as a table. CSV has a line for each row and no header, so that SageMaker's batch transform can join it with its
 * input: the class or the values, then the probabilities. The NumPy array has the predictions alone, [N] or [N, targets].
 */
export function tableOf(prediction: Prediction, predicted: Tensor): Artifact {
  return {
    inJson: false,
    forms: [
      { contentType: CSV_TYPE, suffix: '_predictions.csv', body: () => Buffer.from(csvOf(prediction)) },
      { contentType: NPY_MEDIA_TYPE, suffix: '_predictions.npy', body: () => writeNpy(squeezed(predicted)) },
    ],
  }
}

function csvOf({ predictions, probabilities = [], scores = [] }: Prediction): string {
  return predictions
    .map((prediction, row) => [prediction, probabilities[row] ?? scores[row] ?? []].flat().map(csvCell).join(','))
    .concat('')
    .join('\r\n')
}

/** RFC 4180: quotes around what has a comma, a quote, or a line break. */
function csvCell(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const squeezed = (tensor: Tensor): Tensor =>
  tensor.dims[1] === 1 && tensor.dims.length === 2 ? { ...tensor, dims: tensor.dims.slice(0, 1) } : tensor
