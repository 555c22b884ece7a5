import { z } from 'zod'
import { MAX_ROWS } from './rows.ts'

const CELL = { type: ['number', 'string', 'boolean', 'null'] }
const LIST = { type: 'array', items: CELL }

/**
 * Cells are checked where they are put into tensors, in one pass, and not by the schema: a table may have millions. What the
 * document says of them is written out.
 */
const Rows = z
  .array(z.unknown())
  .min(1)
  .max(MAX_ROWS)
  .meta({
    items: { anyOf: [LIST, { type: 'object', additionalProperties: CELL }] },
    description:
      'Rows: each a list of cells, or an object of cells by column name where the model has names. One row may stand without the outer list. null is a missing number.',
  })

export const Fields = z.strictObject({
  data: Rows.optional(),
  header: z
    .enum(['present', 'absent'])
    .optional()
    .describe('Whether the first line of a CSV has the names of the columns; it is told by its looks otherwise.'),
})

const Label = z.union([z.string(), z.number()])

export const Answer = z.strictObject({
  predictions: z
    .array(z.union([Label, z.array(Label)]))
    .describe('By row: the class, or the value; a list of them for a model with several targets.'),
  probabilities: z.array(z.array(z.number())).optional().describe('By row: the probability of each class.'),
  class_indices: z.array(z.int()).optional().describe('By row: the place of its class in classes and probabilities.'),
  confidence_scores: z.array(z.number()).optional().describe('By row: the probability of its class.'),
  scores: z
    .array(z.array(z.number()))
    .optional()
    .describe('By row: what the model gives for each class that is no probability, such as decision values.'),
  classes: z.array(Label).optional().describe('The classes, in the order of the probabilities.'),
  model: z.string().describe('The file of the model that answered.'),
})

const Name = z.string().min(1).max(256)

export const Settings = z.strictObject({
  columns: z
    .array(Name)
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      'The names of the columns in the order of training: rows may then be objects, and CSV headers are obeyed.',
    ),
  classes: z.array(Label).min(2).max(100_000).optional().describe('The classes, for a model that does not name them.'),
  example: z
    .array(z.union([z.number(), z.string(), z.boolean(), z.null()]))
    .optional()
    .describe('A row that the model can answer, for models that refuse zeros and the categories they list.'),
})

/** Whether `data` is one row of cells rather than a list of rows. */
export const isOneRow = (data: readonly unknown[]): boolean => typeof data[0] !== 'object' || data[0] === null
