import { digest } from '../../core/digest.ts'
import { Failure } from '../../core/errors.ts'
import { depth, depthOutput } from '../../families/depth.ts'
import type { Models } from '../../families/family.ts'
import { GAUSSIAN_OUTPUTS, gaussians, maskInput } from '../../families/gaussians.ts'
import { fixedSize, imageLayout } from '../../families/image-input.ts'
import type { Resize, RgbImage, Size } from '../../images/decode.ts'
import { type Fit, IMAGENET, type Preprocessing } from '../../images/preprocessing.ts'
import type { Model } from '../../runtime/model.ts'
import { floatsOf, type Tensors } from '../../runtime/tensors.ts'
import { imageInput, type Seen } from '../image-input.ts'
import type { InputFile, TaskContext } from '../task.ts'
import type { DepthKind } from './depth.ts'
import { type Generate3d, type Method, QUALITY } from './fields.ts'
import type { Mask } from './grid.ts'
import { type Shape, work } from './shape.ts'

/** A picture, and the mask of what is to be made of it. */
export type Subject = { image: InputFile; mask: Mask | undefined }

/** One way to a shape. */
export type Maker = {
  method: Method
  model: Model | undefined
  make(subject: Subject, fields: Generate3d, context: TaskContext): Promise<Shape>
}

/** The usual input of Depth Anything: near 518 x 518, in patches of 14. */
const DEPTH_INPUT: Preprocessing = {
  fit: { to: 'multiples', width: 518, height: 518, of: 14 },
  kernel: 'cubic',
  scale: 1 / 255,
  ...IMAGENET,
}

/** Gaussians from a model that gives them. */
export async function gaussianMaker(models: Models): Promise<Maker | undefined> {
  const { generator: model } = models.parts(gaussians) ?? {}
  if (!model) return undefined
  const input = await imageInput(model, models, ({ height = 512, width = 512 }) => ({
    fit: { to: 'size', height, width },
    kernel: 'cubic',
    scale: 1 / 255,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
  }))
  const maskName = maskInput(model.signature.inputs)?.name
  return {
    method: 'gaussians',
    model,
    async make({ image, mask }, fields, context) {
      const cut = async (pixels: RgbImage, seen: Seen, whole: Mask) => {
        checkSize(whole, seen.original)
        return context.offload(work, 'cutPicture', [pixels, whole, seen], { phase: 'preprocess' })
      }
      const retouch = mask && !maskName ? (pixels: RgbImage, seen: Seen) => cut(pixels, seen, mask) : undefined
      const { original, seen, tensor } = await input.prepare(image, context, { retouch })
      const feeds: Record<string, Tensors[string]> = { [input.name]: tensor }
      if (maskName) {
        const { height, width } = seen.crop
        const whole = mask ?? fullMask(original)
        checkSize(whole, original)
        const data = await context.offload(work, 'maskSeen', [whole, seen], { phase: 'preprocess' })
        feeds[maskName] = { type: 'float32', dims: [1, 1, height, width], data }
      }
      const outputs = await context.run(model, feeds, { outputs: Object.keys(GAUSSIAN_OUTPUTS), shared: true })
      const found = gaussiansOf(outputs)
      const kept = await context.offload(work, 'selectGaussians', [found, pointsOf(fields)])
      return { method: 'gaussians', original, units: 'model', gaussians: kept }
    },
  }
}

/** The surface that a depth model sees. */
export async function depthMaker(models: Models, kind: DepthKind): Promise<Maker | undefined> {
  const { depth: model } = models.parts(depth) ?? {}
  const [image] = model?.signature.inputs ?? []
  const layout = image && imageLayout(image)
  const output = model && depthOutput(model.signature.outputs)?.name
  if (!model || !image || !layout || output === undefined) return undefined
  const input = await imageInput(model, models, ({ height, width }) =>
    height === undefined || width === undefined ? DEPTH_INPUT : { ...DEPTH_INPUT, fit: { to: 'size', height, width } },
  )
  const isFree = Object.keys(fixedSize(image, layout)).length === 0

  /** Kept, so that several masks, formats and numbers of points of one picture cost the model once. */
  async function depthOf(file: InputFile, quality: Generate3d['quality'], context: TaskContext) {
    const key = `depth ${model?.id} ${quality} ${await digest(file.bytes)}`
    return context.cached(key, async () => {
      const fit = isFree ? scaledFit(input.preprocessing.fit, QUALITY[quality].depthScale) : undefined
      const { original, tensor } = await input.prepare(file, context, { fit })
      const outputs = await context.run(
        model as Model,
        { [input.name]: tensor },
        { outputs: [output ?? ''], shared: true },
      )
      const { dims, data } = floatsOf(outputs, output ?? '')
      const [height = 0, width = 0] = dims.slice(-2)
      return { value: { original, map: { height, width, data } }, bytes: data.byteLength }
    })
  }

  return {
    method: 'depth',
    model,
    async make({ image: file, mask }, fields, context) {
      const { original, map } = await depthOf(file, fields.quality, context)
      if (mask) checkSize(mask, original)
      const grid = await context.offload(work, 'planGrid', [original, mask, pointsOf(fields)])
      const resize = (): Resize => ({ ...grid, kernel: 'linear' })
      const { depth_ratio: ratio, fov_degrees: fovDegrees } = fields
      const options = { kind, ratio, fovDegrees, original }
      const { result: surface } = await context.decodeFor(
        file,
        { resize, phase: 'postprocess' },
        work,
        'surfaceFromDepth',
        () => [map, mask, options],
      )
      return { method: 'depth', original, units: kind === 'metric' ? 'metres' : 'relative', surface }
    },
  }
}

/** The mask, inflated: no model is needed. */
export const inflationMaker: Maker = {
  method: 'inflation',
  model: undefined,
  async make({ image, mask }, fields, context) {
    if (!mask) {
      throw new Failure(
        'InvalidParameters',
        'Without a model of 3D shape, a "mask" is needed: its outline is inflated.',
      )
    }
    const grid = await context.offload(work, 'planBody', [
      { width: mask.width, height: mask.height },
      mask,
      pointsOf(fields),
    ])
    const resize = (size: Size): Resize => {
      checkSize(mask, size)
      return { ...grid, kernel: 'linear' }
    }
    const { original, result: surface } = await context.decodeFor(
      image,
      { resize, phase: 'postprocess' },
      work,
      'surfaceFromMask',
      () => [mask],
    )
    return { method: 'inflation', original, units: 'object', surface }
  },
}

const pointsOf = ({ num_points, quality }: Generate3d) => num_points ?? QUALITY[quality].points

function checkSize(mask: Size, { width, height }: Size): void {
  if (mask.width === width && mask.height === height) return
  throw new Failure(
    'InvalidParameters',
    `The mask has ${mask.width} x ${mask.height} pixels, the upright image ${width} x ${height}; they must be the same.`,
  )
}

function fullMask({ width, height }: Size): Mask {
  return { width, height, inside: new Uint8Array(width * height).fill(1), area: width * height }
}

function scaledFit(fit: Fit, scale: number): Fit | undefined {
  if (fit.to !== 'multiples') return undefined
  const side = (length: number) => Math.max(1, Math.round((length * scale) / fit.of)) * fit.of
  return { ...fit, width: side(fit.width), height: side(fit.height) }
}

/** @throws Failure ModelFailed when the outputs do not belong together */
function gaussiansOf(outputs: Tensors) {
  const values = (name: keyof typeof GAUSSIAN_OUTPUTS) => floatsOf(outputs, name).data
  const count = values('opacity').length
  for (const [name, width] of Object.entries(GAUSSIAN_OUTPUTS)) {
    const { length } = floatsOf(outputs, name).data
    if (length !== count * width) {
      throw new Failure('ModelFailed', `The model gave ${length} values of ${name} for ${count} gaussians.`)
    }
  }
  return {
    positions: values('xyz'),
    colours: values('f_dc'),
    opacities: values('opacity'),
    scales: values('scale'),
    rotations: values('rotation'),
  }
}
