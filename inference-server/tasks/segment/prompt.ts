import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import type { Prompt } from '../../families/sam1.ts'
import type { Size } from '../../images/decode.ts'

/** The decoder compares every prompt with every pixel: its memory and time grow with their number. */
export const MAX_POINTS = 64

const Coordinate = z.number()

/** What a request says of what to segment. */
export const PromptFields = z.strictObject({
  points: z
    .array(z.tuple([Coordinate, Coordinate]))
    .max(MAX_POINTS)
    .default([])
    .describe('[x, y] in pixels of the upright picture.'),
  labels: z
    .array(z.union([z.literal(0), z.literal(1)]))
    .max(MAX_POINTS)
    .optional()
    .describe('One a point: 1 foreground, which is the default, 0 background.'),
  box: z
    .tuple([Coordinate, Coordinate, Coordinate, Coordinate])
    .optional()
    .describe('[left, top, right, bottom] in pixels.'),
  multimask: z
    .boolean()
    .optional()
    .describe('True takes the best of the alternatives for an ambiguous prompt; the default for one point alone.'),
})

/**
 * The prompt of a request. Labels default to foreground; `multimask` to true for one point alone, which is the ambiguous
 * prompt that SAM's alternatives are made for.
 * @throws Failure InvalidPrompt
 */
export function readPrompt({ points, box, ...given }: z.output<typeof PromptFields>): Prompt {
  const labels = given.labels ?? points.map(() => 1 as const)
  if (labels.length !== points.length) {
    throw new Failure(
      'InvalidPrompt',
      `There are ${points.length} points and ${labels.length} labels; each point needs one.`,
    )
  }
  if (!box && !labels.includes(1)) {
    throw new Failure('InvalidPrompt', 'Nothing is prompted: give "points" with at least one label 1, or a "box".')
  }
  return { points, labels, box, multimask: given.multimask ?? (points.length === 1 && !box) }
}

/**
 * Checks a prompt against the picture that it points into.
 * @throws Failure InvalidPrompt for points outside and boxes that are empty or reach outside.
 */
export function checkWithin({ points, box }: Prompt, { width, height }: Size): void {
  const outside = points.findIndex(([x, y]) => x < 0 || y < 0 || x >= width || y >= height)
  if (outside >= 0) {
    throw new Failure('InvalidPrompt', `points[${outside}] lies outside the image of ${width} x ${height} pixels.`)
  }
  if (!box) return
  const [left, top, right, bottom] = box
  if (left < 0 || top < 0 || right > width || bottom > height) {
    throw new Failure('InvalidPrompt', `The box reaches outside the image of ${width} x ${height} pixels.`)
  }
  if (right <= left || bottom <= top) {
    throw new Failure('InvalidPrompt', 'The box is empty: it is given as [left, top, right, bottom].')
  }
}
