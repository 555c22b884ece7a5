import { Failure } from '../../core/errors.ts'
import type { TabularOutputs } from '../../families/tabular.ts'
import type { Tensor, Tensors } from '../../runtime/tensors.ts'

export type Label = string | number

/** What a tabular model says of each row. */
export type Prediction = {
  /** The class of each row, or its value; a list of values where the model has several targets. */
  predictions: (Label | Label[])[]
  /** For each row the probability of each class. */
  probabilities?: number[][]
  /** For each row the place of its class in `classes` and `probabilities`. */
  class_indices?: number[]
  /** For each row the probability of its class. */
  confidence_scores?: number[]
  /** What the model gives for each class that is no probability: decision values, distances. */
  scores?: number[][]
  classes?: Label[]
}

/** How far the probabilities of one row may be from 1 together, and be probabilities: float32 sums over many classes. */
const TOLERANCE = 1e-3

/**
 * A prediction in plain numbers and strings.
 * @throws Failure InvalidData for a row whose result is no number: models without a rule for missing values answer NaN
 */
export function predictionOf(
  outputs: Tensors,
  { labels, scores, values }: TabularOutputs,
  classes: readonly Label[] | undefined,
): Prediction {
  if (values !== undefined) return { predictions: rowsOf(required(outputs, values), plainNumber) }
  const labelled = labels === undefined ? undefined : rowsOf(required(outputs, labels), plainLabel)
  if (scores.length === 0) return { predictions: labelled ?? [], ...(classes ? { classes: [...classes] } : {}) }
  const table = tableOf(scores.map((name) => required(outputs, name)))
  const unnormalised = scores[0] === 'scores' || !table.every(isDistribution)
  const probabilities = unnormalised ? table : table.map(ofBothClasses)
  const named = classes && classes.length === probabilities[0]?.length ? [...classes] : undefined
  // A network that names no classes has their places instead.
  const predictions = labelled ?? probabilities.map((row) => named?.[largest(row)] ?? largest(row))
  const all = { predictions, ...(named ? { classes: named } : {}) }
  if (unnormalised) return { ...all, scores: table }
  const indices = probabilities.map((row, at) => {
    const place = named?.indexOf(predictions[at] as Label) ?? -1
    return place === -1 ? largest(row) : place
  })
  return {
    ...all,
    probabilities,
    class_indices: indices,
    confidence_scores: probabilities.map((row, at) => row[indices[at] ?? 0] ?? 0),
  }
}

/** Integers beyond 2^53 are written as strings: JSON's readers would round them. */
export function plainLabel(value: string | number | bigint): Label {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

function plainNumber(value: string | number | bigint, row: number): number {
  const number = Number(value)
  if (Number.isFinite(number)) return number
  throw new Failure(
    'InvalidData',
    `The model gives no number for row ${row}: it may not take missing or extreme values.`,
  )
}

function required(outputs: Tensors, name: string): Tensor {
  const tensor = outputs[name]
  if (!tensor) throw new TypeError(`the model gave no output ${JSON.stringify(name)}`)
  return tensor
}

/** A tensor [N] or [N, 1] as N values, [N, K] as N lists. Plain loops: for one row this is what a request costs. */
function rowsOf<T>({ dims, data }: Tensor, convert: (value: string | number | bigint, row: number) => T): (T | T[])[] {
  const count = dims[0] ?? 1
  const width = dims[1] ?? 1
  const rows: (T | T[])[] = []
  for (let row = 0, at = 0; row < count; row++) {
    if (width === 1) {
      rows.push(convert(data[at++] ?? 0, row))
      continue
    }
    const values: T[] = []
    for (let column = 0; column < width; column++) values.push(convert(data[at++] ?? 0, row))
    rows.push(values)
  }
  return rows
}

/** One tensor [N, K], or K tensors [N], as N lists of K numbers. */
function tableOf(tensors: readonly Tensor[]): number[][] {
  const columns = tensors.map((tensor) => rowsOf(tensor, plainNumber))
  const [first = []] = columns
  if (columns.length > 1) return first.map((_, row) => columns.map((column) => Number(column[row])))
  return first.map((row) => (Array.isArray(row) ? row : [row]))
}

function isDistribution(row: readonly number[]): boolean {
  let sum = 0
  for (const value of row) {
    if (value < -TOLERANCE || value > 1 + TOLERANCE) return false
    sum += value
  }
  return row.length === 1 || Math.abs(sum - 1) <= TOLERANCE
}

/** One column is the probability of the second of two classes. */
const ofBothClasses = (row: number[]): number[] => (row.length === 1 ? [1 - (row[0] ?? 0), row[0] ?? 0] : row)

function largest(row: readonly number[]): number {
  let best = 0
  for (let at = 1; at < row.length; at++) if ((row[at] ?? 0) > (row[best] ?? 0)) best = at
  return best
}
