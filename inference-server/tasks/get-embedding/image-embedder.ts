import { clip } from '../../families/clip.ts'
import { encoder } from '../../families/encoder.ts'
import type { Models } from '../../families/family.ts'
import type { Size } from '../../images/decode.ts'
import { IMAGENET, OPENAI_CLIP, type Preprocessing } from '../../images/preprocessing.ts'
import type { Model, Value } from '../../runtime/model.ts'
import { floatsOf, type Tensor } from '../../runtime/tensors.ts'
import { imageInput } from '../image-input.ts'
import type { InputFile, TaskContext } from '../task.ts'

/** One embedding of one picture, without the batch's dimension. */
export type Embedding = { original: Size; tensor: Tensor & { type: 'float32' } }

/** An encoder with one output. */
export type Encoder = {
  family: string
  model: Model
  /** The output's dimensions but for the batch's; a name is a free one. */
  shape: readonly (number | string)[]
  encode(file: InputFile, context: TaskContext): Promise<Embedding>
}

/** An encoder whose output is one vector for each picture. */
export type ImageEmbedder = {
  family: string
  model: Model
  /** The vector's length; undefined where the model leaves it open. */
  dimension: number | undefined
  /** The picture's embedding with a Euclidean length of 1. @throws Failure */
  embed(file: InputFile, context: TaskContext): Promise<Float32Array>
}

/** The side of the square that encoders see when neither the model nor a file beside it says so. */
const USUAL_SIDE = 224

/** CLIP's vision tower: transformers' CLIPImageProcessor unless `preprocessor_config.json` says otherwise. */
export async function clipEncoder(models: Models): Promise<Encoder | undefined> {
  const { vision } = models.parts(clip) ?? {}
  return vision && (await singleOutput(vision, models, clip.name, 'image_embeds', OPENAI_CLIP))
}

/** Any other encoder with one output: the middle of the picture, bicubic, by ImageNet's mean and deviation, unless the file says otherwise. */
export async function otherEncoder(models: Models): Promise<Encoder | undefined> {
  const { encoder: model } = models.parts(encoder) ?? {}
  const [output] = model?.signature.outputs ?? []
  return model && output && (await singleOutput(model, models, encoder.name, output.name, IMAGENET))
}

/** What turns a picture into one vector, with the models that are there: CLIP, else another encoder that gives vectors. */
export async function imageEmbedder(models: Models): Promise<ImageEmbedder | undefined> {
  const found = (await clipEncoder(models)) ?? (await otherEncoder(models))
  if (found?.shape.length !== 1) return undefined
  const [dimension] = found.shape
  return {
    family: found.family,
    model: found.model,
    dimension: typeof dimension === 'number' ? dimension : undefined,
    embed: async (file, context) => normalised((await found.encode(file, context)).tensor.data),
  }
}

/** A vector of the same direction and length 1; one of zeros stays so. */
export function normalised(vector: Float32Array): Float32Array<ArrayBuffer> {
  let sum = 0
  for (const value of vector) sum += value * value
  const length = Math.sqrt(sum)
  return Float32Array.from(vector, (value) => (length > 0 ? value / length : value))
}

async function singleOutput(
  model: Model,
  models: Models,
  family: string,
  outputName: string,
  { mean, deviation }: Pick<Preprocessing, 'mean' | 'deviation'>,
): Promise<Encoder> {
  const output = model.signature.outputs.find(({ name }) => name === outputName) as Value
  const input = await imageInput(model, models, ({ height = USUAL_SIDE, width = USUAL_SIDE }) => ({
    fit: height === width ? { to: 'shortest-edge', length: height } : { to: 'size', height, width },
    ...(height === width ? { crop: { height, width } } : {}),
    kernel: 'cubic',
    scale: 1 / 255,
    mean,
    deviation,
  }))
  return {
    family,
    model,
    shape: output.shape.slice(1),
    async encode(file, context) {
      const { original, tensor } = await input.prepare(file, context)
      const outputs = await context.run(model, { [input.name]: tensor }, { outputs: [outputName], batch: input.batch })
      const { dims, data } = floatsOf(outputs, outputName)
      return { original, tensor: { type: 'float32', dims: dims.slice(1), data } }
    },
  }
}
