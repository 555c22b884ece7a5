import { NPY_MEDIA_TYPE, type NpyArray, writeNpy } from '../../formats/npy.ts'
import type { Artifact } from '../task.ts'
import type { Prediction } from './answer.ts'

export const CSV_TYPE = 'text/csv'

/**
 * A prediction as a table. CSV has a line for each row and no header, so that SageMaker's batch transform can join it with its
 * input: the class or the values, then the probabilities. The NumPy array has the predictions alone, [N] or [N, targets].
 */
export function tableOf(prediction: Prediction): Artifact {
  return {
    inJson: false,
    forms: [
      { contentType: CSV_TYPE, suffix: '_predictions.csv', body: () => Buffer.from(csvOf(prediction)) },
      { contentType: NPY_MEDIA_TYPE, suffix: '_predictions.npy', body: () => writeNpy(arrayOf(prediction)) },
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

/** Classes as integers or strings, values as float64, as scikit-learn's `predict` has them. */
function arrayOf({ predictions, probabilities, classes, scores }: Prediction): NpyArray {
  const [first] = predictions
  const dims = Array.isArray(first) ? [predictions.length, first.length] : [predictions.length]
  const cells = predictions.flat()
  if (!cells.every((cell) => typeof cell === 'number')) return { type: 'string', dims, data: cells.map(String) }
  const labels = probabilities ?? classes ?? scores
  return labels && cells.every(Number.isSafeInteger)
    ? { type: 'int64', dims, data: BigInt64Array.from(cells, BigInt) }
    : { type: 'float64', dims, data: Float64Array.from(cells) }
}
