import { z } from 'zod'

/** The decoder compares every prompt with every pixel: its memory and time grow with their number. */
export const MAX_POINTS = 64
/** Each costs a run of the decoder, or a place in one. */
export const MAX_PROMPTS = 64
/** Polygons of one mask; the smallest of more are left out. */
export const MAX_POLYGONS = 1000

/** Corners of all polygons of an answer: some 2 MB of JSON. */
export const MAX_CORNERS = 200_000
/** Instances of a concept; those with the lowest scores of more are left out. */
export const MAX_INSTANCES = 64

const Coordinate = z.number()
const Point = z.tuple([Coordinate, Coordinate])
const Label = z.union([z.literal(0), z.literal(1)])
const Box = z.tuple([Coordinate, Coordinate, Coordinate, Coordinate])

/** One thing to segment. */
const PROMPT = {
  points: z.array(Point).max(MAX_POINTS).default([]).describe('[x, y] in pixels of the upright picture.'),
  labels: z
    .array(Label)
    .max(MAX_POINTS)
    .optional()
    .describe('One a point: 1 foreground, which is the default, 0 background.'),
  box: Box.optional().describe('[left, top, right, bottom] in pixels.'),
  multimask: z
    .boolean()
    .optional()
    .describe('True takes the best of the alternatives for an ambiguous prompt; the default for one point alone.'),
}

export const PromptFields = z.strictObject(PROMPT)

export const SegmentFields = z.strictObject({
  ...PROMPT,
  prompts: z
    .array(PromptFields)
    .min(1)
    .max(MAX_PROMPTS)
    .optional()
    .describe(
      'Several things to segment in the one picture, each with points, a box or both; in place of those above.',
    ),
  text: z
    .string()
    .trim()
    .min(1)
    .max(300)
    .optional()
    .describe(
      'SAM 3: a noun phrase, all of whose instances are segmented; points and a box are examples of it, or with label 0 of what it is not.',
    ),
  min_score: z.number().min(0).max(1).default(0.5).describe('SAM 3: instances with a lower score are left out.'),
  alternatives: z
    .boolean()
    .default(false)
    .describe('True gives every alternative that the model has for the prompt, under `masks`; for one prompt only.'),
  rle: z.boolean().default(false).describe('True adds COCO run lengths, as pycocotools decodes them.'),
  polygons: z
    .boolean()
    .default(false)
    .describe('True adds polygons, as in GeoJSON: each its outline and then its holes, the largest first.'),
  polygon_epsilon: z
    .number()
    .min(0)
    .max(100)
    .default(1)
    .describe('How far, in pixels, a polygon may leave the mask’s outline; 0 is exact.'),
})

const Ring = z.array(Point)

/** What is told of one mask. */
const MASK = {
  confidence_score: z.number().describe('The model’s own estimate of the mask’s IoU with what was meant.'),
  area: z.int().describe('Pixels inside.'),
  bounding_box: z
    .tuple([z.int(), z.int(), z.int(), z.int()])
    .nullable()
    .describe('[left, top, right, bottom], right and bottom exclusive; null for an empty mask.'),
  rle: z.strictObject({ size: z.tuple([z.int(), z.int()]).describe('[height, width]'), counts: z.string() }).optional(),
  polygons: z.array(z.array(Ring)).optional(),
  polygons_omitted: z
    .int()
    .optional()
    .describe('Parts of the mask that have no polygon, being the smallest of too many.'),
}

export const SegmentAnswer = z.strictObject({
  ...MASK,
  mask_size: z.tuple([z.int(), z.int()]).describe('[width, height]'),
  masks: z
    .array(z.strictObject({ ...MASK, prompt: z.int().describe('Which of the prompts, from 0.') }))
    .optional()
    .describe(
      'Each mask, where `prompts`, `text` or `alternatives` are asked for. What stands above is then of the union of all masks, with the lowest of their scores, or of the best alternative.',
    ),
})
