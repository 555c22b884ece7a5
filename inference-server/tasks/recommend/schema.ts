import { z } from 'zod'
import { Filter } from './filter.ts'

/** The most that config.json may allow: what is found and not asked for costs next to nothing. */
const MAX_K = 1000
export const DEFAULT_K = 10
/** Queries of one request; they share one matrix product with those of other requests. */
export const MAX_QUERIES = 32
const MAX_DIMENSIONS = 65_536

const Id = z.union([z.string().max(1024), z.number()])
const NUMBERS = { type: 'array', items: { type: 'number' } }

export const Fields = z.strictObject({
  embedding: z
    .array(z.unknown())
    .min(1)
    .max(MAX_DIMENSIONS)
    .optional()
    .meta({
      items: { anyOf: [{ type: 'number' }, NUMBERS] },
      description: `What is looked for: a vector of the catalogue's dimensions, or a list of up to ${MAX_QUERIES} of them.`,
    }),
  text: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe('What the items look like, in words, where there is a text model beside the image encoder.'),
  id: Id.optional().describe('Items like this one of the catalogue, which is not among them itself.'),
  top_k: z
    .int()
    .min(1)
    .max(MAX_K)
    .optional()
    .describe(`How many items are given, the best first; ${DEFAULT_K} otherwise.`),
  filter: Filter.optional().describe(
    'Only items whose fields fit: by field a value, a list of values, or {gt, gte, lt, lte, not}. All fields have to fit.',
  ),
  exclude: z.array(Id).max(1000).optional().describe('The ids of items that are not given.'),
  min_score: z.number().optional().describe('Items with a lower score are not given.'),
  metadata: z
    .union([z.boolean(), z.array(z.string().max(256)).max(256)])
    .default(true)
    .describe('Whether the items are given with all that is known of them, or which fields.'),
})

const Recommendations = z.array(
  z.strictObject({
    id: Id,
    score: z.number().describe('Cosine or dot product, or the negative distance: the more, the better.'),
    metadata: z.record(z.string(), z.unknown()).optional(),
  }),
)

export const Answer = z.strictObject({
  recommendations: Recommendations.optional().describe('The best items, the best first.'),
  results: z
    .array(z.strictObject({ recommendations: Recommendations }))
    .optional()
    .describe('In place of recommendations where several vectors were given: one for each.'),
  metric: z.enum(['cosine', 'dot', 'euclidean']).describe('What the scores are.'),
  items: z.int().describe('How many items the catalogue has.'),
  candidates: z.int().describe('How many of them the filter leaves.'),
})

export const Settings = z.strictObject({
  metric: z
    .enum(['cosine', 'dot', 'euclidean'])
    .default('cosine')
    .describe('How alike two vectors are. An image encoder gives vectors of length 1.'),
  max_top_k: z.int().min(1).max(MAX_K).default(100).describe('The most items that a request may ask for.'),
})
