import type { Signature, Value } from '../runtime/model.ts'
import type { Family } from './family.ts'

/** The types that a table's columns have in exports of skl2onnx and onnxmltools. */
const COLUMN_TYPES = ['float32', 'float64', 'int64', 'int32', 'string', 'bool'] as const
export type ColumnType = (typeof COLUMN_TYPES)[number]

/** What networks call the probabilities of classes that they do not name. */
const PROBABILITIES = /^(output_)?prob(s|abilit(y|ies))$/

const LABEL_TYPES = ['int64', 'int32', 'string', 'bool']

/** Inputs of language models, which are tables of numbers too. */
const TOKENS = /^(input_ids|attention_mask|token_type_ids|position_ids|tokens)$/

export type TabularOutputs = {
  /** The classes or clusters, [N] or [N, targets]; undefined for a regressor, and for a network that gives probabilities alone. */
  labels: string | undefined
  /** One float for each class: one output [N, classes], or one [N] for each (skl2onnx's zipmap='columns'). */
  scores: readonly string[]
  /** A regressor's output [N, targets]; undefined for a classifier. */
  values: string | undefined
}

export const tabular: Family<'model'> = {
  name: 'tabular',
  contract:
    'inputs float, integer or string [N, columns], either one for the whole row or one for each column, and outputs as ' +
    'skl2onnx and onnxmltools give them: labels [N] with or without probabilities, or values [N, targets]',
  part: (signature) => (inputsFit(signature) && tabularOutputs(signature) ? 'model' : undefined),
}

const inputsFit = ({ inputs }: Signature): boolean =>
  inputs.length > 0 &&
  inputs.every(
    ({ name, type, shape, isTensor }) =>
      isTensor && shape.length === 2 && COLUMN_TYPES.some((known) => known === type) && !TOKENS.test(name),
  ) &&
  // With several inputs, how the columns are divided among them has to be known.
  (inputs.length === 1 || inputs.every(({ shape }) => typeof shape[1] === 'number'))

/** What each output of a tabular model means; undefined when they are not those of such a model. */
export function tabularOutputs({ outputs }: Signature): TabularOutputs | undefined {
  const tensors = outputs.filter(({ isTensor }) => isTensor)
  if (tensors.length === 0 || !tensors.every(({ shape }) => shape.length === 1 || shape.length === 2)) return undefined
  const [first, ...rest] = tensors
  if (!first) return undefined
  if (!LABEL_TYPES.includes(first.type)) {
    if (tensors.length > 1 || !isFloat(first)) return undefined
    return PROBABILITIES.test(first.name)
      ? { labels: undefined, scores: [first.name], values: undefined }
      : { labels: undefined, scores: [], values: first.name }
  }
  if (!rest.every(isFloat)) return undefined
  const [table] = rest.filter(({ shape }) => shape.length === 2)
  const scores = table ? [table] : rest.filter(({ shape }) => shape.length === 1)
  return { labels: first.name, scores: scores.map(({ name }) => name), values: undefined }
}

const isFloat = ({ type }: Value): boolean => type === 'float32' || type === 'float64'
