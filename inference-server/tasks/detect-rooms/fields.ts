import { z } from 'zod'

/** Enough for a storey of a hospital; an answer of as many polygons is about a megabyte. */
const MAX_ROOMS = 1000

/** What a request says of a plan. Lengths and areas are in pixels of the upright picture. */
export const PlanFields = z.strictObject({
  min_area: z
    .number()
    .nonnegative()
    .max(1e12)
    .optional()
    .describe('Smaller rooms are left out. Default: a thousandth of the picture.'),
  max_area: z.number().positive().max(1e12).optional().describe('Larger rooms are left out. Default: none are.'),
  epsilon_factor: z
    .number()
    .nonnegative()
    .max(0.05)
    .default(0.002)
    .describe(
      'How far a polygon may be from the outline that was seen, as a share of that outline’s length; 0 keeps every corner.',
    ),
  gap_closing: z
    .number()
    .nonnegative()
    .max(100_000)
    .optional()
    .describe('The widest doorway that is closed; 0 closes none. Default: 10 % of the longest side.'),
  min_wall_thickness: z
    .number()
    .nonnegative()
    .max(10_000)
    .optional()
    .describe(
      'Thinner lines are furniture, doors and text; 0 takes every line for a wall. Default: found out from the plan.',
    ),
  lines: z
    .enum(['auto', 'dark', 'light'])
    .default('auto')
    .describe('Whether walls are darker or lighter than the sheet.'),
  max_rooms: z.int().min(1).max(MAX_ROOMS).default(200).describe('The largest ones are answered.'),
  overlay: z.boolean().default(false).describe('Puts the picture with the rooms drawn over it into the JSON answer.'),
})

const Point = z.tuple([z.number(), z.number()])
const Ring = z.array(Point)

/** In pixels of the upright picture. */
export const RoomAnswer = z.strictObject({
  id: z.int().describe('From 1, from the top of the picture.'),
  label: z
    .enum(['room', 'corridor'])
    .describe('What the shape says: a corridor is at least four times as long as wide. Text in the plan is not read.'),
  confidence: z
    .number()
    .describe(
      'The share of the outline, holes included, along which a wall is drawn; the rest are doorways that were closed. No probability.',
    ),
  area: z.number().describe('Of the polygon, less its holes.'),
  perimeter: z.number(),
  bounding_box: z.tuple([z.number(), z.number(), z.number(), z.number()]).describe('[left, top, right, bottom]'),
  anchor: Point.describe('A point well inside, for a label.'),
  polygon: Ring.describe('The outline, clockwise on the screen, the first corner not repeated.'),
  holes: z.array(Ring).describe('Pillars, courtyards and rooms within, each anticlockwise.'),
})

export const PlanAnswer = z.strictObject({
  image_size: z.tuple([z.int(), z.int()]).describe('[width, height]'),
  rooms: z.array(RoomAnswer),
  rooms_left_out: z.int().describe('How many more there are than max_rooms, or than 100,000 corners describe.'),
  total_area: z.number().describe('Of the rooms answered.'),
  wall_thickness: z.number().describe('Of the thickest walls, about.'),
  gap_closing: z.number().describe('The widest doorway that was closed.'),
})
