import { dirname, join } from 'node:path'
import type { Models } from '../families/family.ts'
import { fixedSize, imageLayout } from '../families/image-input.ts'
import type { Resize, RgbImage, Size } from '../images/decode.ts'
import { centred, type Fit, type Preprocessing, resizedSize } from '../images/preprocessing.ts'
import { readPreprocessorConfig } from '../images/preprocessor-config.ts'
import type { Model, Value } from '../runtime/model.ts'
import { type Work, workModule } from '../runtime/offload.ts'
import type { Tensor } from '../runtime/tensors.ts'
import type { InputFile, TaskContext } from './task.ts'

const work: Work<typeof import('./image-input-work.ts')> = workModule(new URL('./image-input-work.ts', import.meta.url))

/** A picture as a model takes it. */
export type PreparedImage = {
  /** The upright picture's size. */
  original: Size
  seen: Seen
  tensor: Tensor & { type: 'float32' }
}

/** The input of a model that takes one picture. */
export type ImageInput = {
  name: string
  /** Dimension 0 is free, so that several pictures may share a run. */
  batch: boolean
  preprocessing: Preprocessing
  /** Decodes a picture and brings it into the model's form. */
  prepare(file: InputFile, context: TaskContext, options?: PrepareOptions): Promise<PreparedImage>
}

/** Which part of the upright picture a model sees: the whole at some size, and of that a part. */
export type Seen = { original: Size; whole: Size; crop: Size & { left: number; top: number } }

export type PrepareOptions = {
  /** In place of the usual size; only for models that take any. */
  fit?: Fit | undefined
  /** Changes the resized pixels before they are normalised, such as to hide what lies outside a mask. */
  retouch?: ((pixels: RgbImage, seen: Seen) => Promise<RgbImage>) | undefined
}

const PREPROCESSOR = 'preprocessor_config.json'

/**
 * How pictures are brought into the form of a model's image input: by `preprocessor_config.json` beside the model where there
 * is one, else by `otherwise`, which sees the sizes that the input fixes.
 * @throws Error when the file is not understood or gives another size than the model takes
 */
export async function imageInput(
  model: Model,
  models: Models,
  otherwise: (fixed: { height?: number; width?: number }) => Preprocessing,
): Promise<ImageInput> {
  const input = model.signature.inputs.find((each) => imageLayout(each) !== undefined)
  const layout = input && imageLayout(input)
  if (!input || !layout) throw new TypeError(`${model.file} was recognised by its image input`)
  const path = join(models.directory, dirname(model.file), PREPROCESSOR)
  const fixed = fixedSize(input, layout)
  const configured = await readPreprocessorConfig(path)
  const preprocessing = configured ? suited(configured, fixed, `${path} does not suit ${model.file}`) : otherwise(fixed)
  return {
    name: input.name,
    batch: isFree(input) && model.signature.outputs.every(isFree),
    preprocessing,
    async prepare(file, context, { fit = preprocessing.fit, retouch } = {}) {
      const { kernel, crop } = preprocessing
      const seenOf = (original: Size): Seen => {
        const whole = resizedSize(original, fit, largest(fit, crop, context.maxImagePixels))
        return { original, whole, crop: crop ? { ...crop, ...centred(whole, crop) } : { ...whole, left: 0, top: 0 } }
      }
      const resize = (original: Size): Resize => {
        const seen = seenOf(original)
        return { ...seen.whole, kernel, ...(crop ? { crop: seen.crop } : {}) }
      }
      if (!retouch) {
        const args = [preprocessing, layout] as const
        const { original, result } = await context.decodeFor(file, { resize }, work, 'imageTensor', () => args)
        return { original, seen: seenOf(original), tensor: result }
      }
      const { original, pixels } = await context.decode(file, { resize })
      const seen = seenOf(original)
      const tensor = await context.offload(work, 'imageTensor', [await retouch(pixels, seen), preprocessing, layout], {
        phase: 'preprocess',
      })
      return { original, seen, tensor }
    },
  }
}

/** How far a picture's aspect ratio may make a model's input larger than that of a square one. */
const LONGEST = 8

/**
 * Pixels that a picture may have after resizing. Where all of them go into the model, its memory grows with them, for
 * transformers even with their square: one long and thin picture could end the process.
 */
function largest(fit: Fit, crop: Size | undefined, maxImagePixels: number): number {
  if (crop || fit.to === 'size') return maxImagePixels
  return LONGEST * (fit.to === 'multiples' ? fit.width * fit.height : fit.length ** 2)
}

const isFree = ({ shape }: Value) => typeof shape[0] === 'string'

/**
 * What the file says, for a model that fixes its input's size: a size of its own must be the same, and one that follows the
 * pictures' aspect ratio yields, as exports with a fixed size have been traced from models with a free one.
 */
function suited(
  configured: Preprocessing,
  { height, width }: { height?: number; width?: number },
  what: string,
): Preprocessing {
  const { fit, crop } = configured
  const size = crop ?? (fit.to === 'size' ? fit : undefined)
  if (!size) {
    return height === undefined || width === undefined
      ? configured
      : { ...configured, fit: { to: 'size', height, width } }
  }
  if (size.height === (height ?? size.height) && size.width === (width ?? size.width)) return configured
  throw new Error(
    `${what}: it makes ${size.width} x ${size.height}, the model takes ${width ?? 'any'} x ${height ?? 'any'}`,
  )
}
