import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import { depth } from '../../families/depth.ts'
import type { Models } from '../../families/family.ts'
import { exampleImage, exampleMask } from '../example-image.ts'
import { samEncoder } from '../sam/encoder.ts'
import { defineTask, IMAGE_FILE, IMAGE_TYPES, type InputFile, type TaskContext } from '../task.ts'
import type { DepthKind } from './depth.ts'
import { Answer, Fields, type Generate3d, Settings } from './fields.ts'
import type { Mask } from './grid.ts'
import { depthMaker, gaussianMaker, inflationMaker, type Maker } from './methods.ts'
import { GLB, heldBy, PLY, type Shape, shapeArtifact, work } from './shape.ts'
import type { Representation } from './work.ts'

const NOTES = {
  depth: 'What the picture does not show, such as the back, is not there.',
  inflation:
    'No model saw depth: the outline was inflated to a round body, and its back is the mirror image of its front.',
} as const

/** A picture to a 3D file: gaussians, points or a mesh. */
export const generate3d = defineTask({
  name: 'generate_3d',
  summary: 'A picture to a 3D file: gaussians, points or a mesh, of the whole or of what a mask shows.',
  files: {
    image: IMAGE_FILE,
    mask: {
      mediaTypes: IMAGE_TYPES,
      required: false,
      description:
        'Light where the object is, dark or transparent elsewhere, of the upright image’s size, such as the answer of segment.',
    },
  },
  fields: Fields,
  answer: Answer,
  artifacts: {
    model_3d: {
      description:
        'PLY: x right, y down, z forward, as 3D Gaussian Splatting has its cameras. GLB: x right, y up, z backward, as glTF has it.',
      contentTypes: [PLY, GLB, 'application/octet-stream'],
    },
  },
  settings: Settings,
  async bind({ models, settings }) {
    const { depth: kind = await depthKind(models), inflation } = Settings.parse(settings)
    const found = [await gaussianMaker(models), await depthMaker(models, kind)].filter((maker) => maker !== undefined)
    if (found.length === 0 && !(inflation ?? samEncoder(models) !== undefined)) return undefined
    const makers: readonly Maker[] = [...found, inflationMaker]
    return {
      models: found.map(({ model }) => model).filter((model) => model !== undefined),
      example: async () => ({ files: { image: await exampleImage(), mask: await exampleMask() }, fields: {} }),
      async perform({ files, fields }, context) {
        const maker = chosen(makers, fields)
        const { image } = files
        if (!image) throw new TypeError('the request was checked to have an image')
        const mask = files.mask && (await maskOf(files.mask, context))
        const representation = heldBy(maker.method, fields.format, fields.representation)
        const shape = await maker.make({ image, mask }, fields, context)
        return {
          fields: {
            ...described(shape, fields, representation),
            method: maker.method,
            fallback: maker.method === 'inflation',
            ...(maker.method === 'gaussians' ? {} : { note: NOTES[maker.method] }),
            quality: fields.quality,
            model: maker.model?.file ?? null,
          },
          artifacts: { model_3d: shapeArtifact(shape, fields.format, fields.representation, context) },
        }
      },
    }
  },
})

/** @throws Failure InvalidParameters for a method without its model, and for a mesh of a model that gives gaussians */
function chosen(makers: readonly Maker[], { method, representation }: Generate3d): Maker {
  const found = method === 'auto' ? makers[0] : makers.find((maker) => maker.method === method)
  if (found?.method === 'gaussians' && representation === 'mesh') {
    throw new Failure('InvalidParameters', 'The model gives gaussians, which no mesh joins.', {
      details: ['representation: gaussians, points'],
    })
  }
  if (found) return found
  throw new Failure('InvalidParameters', `There is no model for the method ${method} on this server.`, {
    details: [`method: auto, ${makers.map((maker) => maker.method).join(', ')}`],
  })
}

/** @throws Failure InvalidParameters when nothing is inside */
async function maskOf(file: InputFile, context: TaskContext): Promise<Mask> {
  const { result: found } = await context.decodeFor(file, { over: 'black' }, work, 'readMask', () => [])
  if (found) return found
  throw new Failure('InvalidParameters', 'The mask is empty: no pixel of it is lighter than the middle grey.')
}

function described(shape: Shape, { format }: Generate3d, representation: Representation) {
  const { positions } = 'surface' in shape ? shape.surface : shape.gaussians
  return {
    representation,
    format,
    num_points: positions.length / 3,
    ...('surface' in shape && representation === 'mesh' ? { num_faces: shape.surface.triangles.length / 3 } : {}),
    units: shape.units,
    image_size: [shape.original.width, shape.original.height],
  }
}

const TransformersConfig = z.object({
  model_type: z.string().optional(),
  depth_estimation_type: z.string().optional(),
})

/** Models of transformers whose depth is always in metres. */
const METRIC = ['zoedepth', 'depth_pro']

/** What the depth model's numbers are, by transformers' config.json beside it; relative inverse depth where there is none. */
async function depthKind(models: Models): Promise<DepthKind> {
  const { depth: model } = models.parts(depth) ?? {}
  if (!model) return 'inverse'
  const path = join(models.directory, dirname(model.file), 'config.json')
  const text = await readFile(path, 'utf8').catch(() => '{}')
  const { data } = TransformersConfig.safeParse(JSON.parse(text))
  return data?.depth_estimation_type === 'metric' || METRIC.includes(data?.model_type ?? '') ? 'metric' : 'inverse'
}
