import { z } from 'zod'

const METHODS = ['gaussians', 'depth', 'inflation'] as const
export type Method = (typeof METHODS)[number]

/** What "quality" stands for: points where `num_points` says nothing, and the scale of a depth model's usual input. */
export const QUALITY = {
  draft: { points: 10_000, depthScale: 0.5 },
  standard: { points: 50_000, depthScale: 1 },
  high: { points: 200_000, depthScale: 1.5 },
} as const

/** 500,000 gaussians take 34 MB. */
export const MAX_POINTS = 500_000

export const Fields = z.strictObject({
  method: z
    .enum(['auto', ...METHODS])
    .default('auto')
    .describe(
      'gaussians: a model gives them. depth: a depth model’s distances, seen by a pinhole camera. inflation: no model, the ' +
        'mask as a round body, which only looks like the object from the front. auto: the first for which there is a model; ' +
        'inflation, labelled as a fallback, where there is none.',
    ),
  representation: z
    .enum(['gaussians', 'points', 'mesh'])
    .optional()
    .describe(
      'What PLY holds, by default gaussians (17 floats each, as 3D Gaussian Splatting stores them). GLB holds a mesh, or ' +
        'points where these or gaussians are asked for or a model gives nothing else.',
    ),
  format: z.enum(['ply', 'glb']).default('ply').describe('Which file JSON and S3 get; Accept may ask for either.'),
  quality: z
    .enum(['draft', 'standard', 'high'])
    .default('standard')
    .describe('10,000, 50,000 or 200,000 points, and half, once or 1.5 times a depth model’s usual resolution.'),
  num_points: z
    .int()
    .min(16)
    .max(MAX_POINTS)
    .optional()
    .describe('At most so many points, gaussians or vertices; never more than the picture has pixels for.'),
  fov_degrees: z
    .number()
    .min(10)
    .max(150)
    .default(55)
    .describe('depth: the field of view over the picture’s longest side, which a picture does not tell.'),
  depth_ratio: z
    .number()
    .min(1.01)
    .max(100)
    .default(4)
    .describe(
      'depth: how many times farther the farthest point is than the nearest, which relative depth leaves open.',
    ),
})

export type Generate3d = z.output<typeof Fields>

export const Answer = z.strictObject({
  method: z.enum(METHODS).describe('What made the shape.'),
  fallback: z.boolean().describe('True when the mask was inflated, which no model of 3D shape has seen.'),
  note: z.string().optional().describe('What the shape is not.'),
  representation: z.enum(['gaussians', 'points', 'mesh']).describe('What the file holds.'),
  format: z.enum(['ply', 'glb']).describe('Of the file in JSON and S3.'),
  num_points: z.int().describe('Points, gaussians or vertices in the file.'),
  num_faces: z.int().optional().describe('Triangles of a mesh.'),
  units: z
    .enum(['metres', 'relative', 'object', 'model'])
    .describe(
      'relative: the nearest point is at distance 1; object: its longest side is 1; model: as the model gives them.',
    ),
  image_size: z.tuple([z.int(), z.int()]).describe('[width, height]'),
  quality: z.enum(['draft', 'standard', 'high']).describe('As asked for.'),
  model: z.string().nullable().describe('The file.'),
})

export const Settings = z.object({
  depth: z
    .enum(['inverse', 'metric'])
    .optional()
    .describe(
      'What the depth model’s numbers are: larger is nearer, or metres. By default as config.json of transformers beside ' +
        'the model says, else inverse.',
    ),
  inflation: z
    .boolean()
    .optional()
    .describe('Serve the task without any model of 3D shape; by default only where a SAM model gives masks.'),
})
