import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import { SAM3_FEATURES } from '../../families/sam3.ts'
import { NPY_MEDIA_TYPE } from '../../formats/npy.ts'
import { type Work, workModule } from '../../runtime/offload.ts'
import { exampleImage } from '../example-image.ts'
import { type Artifact, defineTask, IMAGE_FILE, type TaskContext } from '../task.ts'
import { normalised } from './image-embedder.ts'
import { SOURCES, type Source, sourcesOf } from './sources.ts'
import { type FloatTensor, npyBytes, type Precision, rawBytes } from './work.ts'

const work: Work<typeof import('./work.ts')> = workModule(new URL('./work.ts', import.meta.url))

/** As JSON numbers an embedding takes some 20 bytes a value: SAM's would be over the 6 MB that real-time endpoints give back. */
const MAX_NUMBERS = 65_536
/** Up to here writing values takes less than asking another thread to. */
const WRITTEN_AT_ONCE = 65_536

const TENSORS = {
  embedding: 'The embedding: the values row-major and little-endian, in the precision asked for.',
  high_res_feats_0: 'SAM 2: features of a quarter of the frame, for the decoder.',
  high_res_feats_1: 'SAM 2: features of an eighth of the frame, for the decoder.',
  image_positional_embeddings: 'SAM of transformers: positions, for the decoder.',
  'image_embeddings.0': 'SAM 2 of transformers: features of a quarter of the frame, for the decoder.',
  'image_embeddings.1': 'SAM 2 of transformers: features of an eighth of the frame, for the decoder.',
  ...Object.fromEntries(SAM3_FEATURES.map((name) => [name, 'SAM 3: for the decoder.'])),
}

/** What an image encoder makes of a picture: SAM's to be prompted elsewhere, CLIP's and others' to be compared. */
export const getEmbedding = defineTask({
  name: 'get_embedding',
  summary: 'What an image encoder makes of a picture, to be kept, compared, or prompted elsewhere.',
  files: { image: IMAGE_FILE },
  fields: z.strictObject({
    encoder: z
      .enum(SOURCES)
      .optional()
      .describe('Which of the encoders that are loaded; by default the first that is, in this order.'),
    encoding_format: z
      .enum(['float', 'base64'])
      .optional()
      .describe(
        'How JSON gives the embedding: as numbers, the default for vectors, or as base64 of its bytes, for all else.',
      ),
    dtype: z
      .enum(['float32', 'float16'])
      .default('float32')
      .describe('The precision of binary answers and of base64; float16 takes half the bytes.'),
    normalize: z
      .boolean()
      .default(true)
      .describe('Gives vectors the Euclidean length 1, so that their dot product is their cosine similarity.'),
  }),
  answer: z.strictObject({
    embedding: z.array(z.number()).optional().describe('As numbers, where encoding_format is float.'),
    shape: z.array(z.int()).describe('Of the embedding, without a dimension for the batch.'),
    dtype: z.enum(['float32', 'float16']).describe('Of its bytes.'),
    embedding_size_mb: z.number().describe('Of its bytes, in units of 1,048,576.'),
    normalized: z.boolean().describe('Whether its Euclidean length was made 1.'),
    image_size: z.tuple([z.int(), z.int()]).describe('[width, height]'),
    model: z.string().describe('The file.'),
    family: z.string().describe('What the model was recognised as.'),
    further: z
      .record(z.string(), z.array(z.int()))
      .optional()
      .describe('The shapes of further tensors, by their names.'),
  }),
  artifacts: Object.fromEntries(
    Object.entries(TENSORS).map(([name, description]) => [
      name,
      { description, contentTypes: ['application/octet-stream', NPY_MEDIA_TYPE] as const },
    ]),
  ),
  async bind({ models }) {
    const sources = await sourcesOf(models)
    if (sources.length === 0) return undefined
    return {
      models: sources.map(({ model }) => model),
      example: async () => ({ files: { image: await exampleImage() }, fields: {} }),
      async perform({ files: { image }, fields: { encoder, encoding_format, dtype, normalize } }, context) {
        const source = chosen(sources, encoder)
        if (!image) throw new TypeError('the request was checked to have an image')
        const { original, embedding: made, further } = await source.embed(image, context)
        const isVector = made.dims.length === 1
        if (isVector && !made.data.every(Number.isFinite)) {
          throw new Failure('ModelFailed', 'The model gave an embedding with values that are no finite numbers.')
        }
        const embedding = isVector && normalize ? { ...made, data: normalised(made.data) } : made
        const asNumbers = encoding_format === 'float' || (encoding_format === undefined && isVector)
        if (asNumbers && embedding.data.length > MAX_NUMBERS) {
          throw new Failure(
            'InvalidParameters',
            `The embedding has ${embedding.data.length} values; at most ${MAX_NUMBERS} are given as numbers.`,
            { details: ['encoding_format: ask for base64, or for application/x-npy in Accept'] },
          )
        }
        const bytes = embedding.data.length * (dtype === 'float16' ? 2 : 4)
        const shapes = Object.entries(further).map(([name, { dims }]) => [name, [...dims]] as const)
        return {
          fields: {
            ...(asNumbers ? { embedding: Array.from(embedding.data) } : {}),
            shape: [...embedding.dims],
            dtype,
            embedding_size_mb: Math.round((bytes / 1024 / 1024) * 1e6) / 1e6,
            normalized: isVector && normalize,
            image_size: [original.width, original.height],
            model: source.model.file,
            family: source.family,
            ...(shapes.length > 0 ? { further: Object.fromEntries(shapes) } : {}),
          },
          artifacts: {
            embedding: { ...tensorArtifact('embedding', embedding, dtype, context), inJson: !asNumbers },
            ...Object.fromEntries(
              Object.entries(further).map(([name, tensor]) => [name, tensorArtifact(name, tensor, dtype, context)]),
            ),
          },
        }
      },
    }
  },
})

function chosen(sources: readonly Source[], name: string | undefined): Source {
  const found = name === undefined ? sources[0] : sources.find((source) => source.name === name)
  if (found) return found
  throw new Failure('InvalidParameters', `There is no ${name} encoder among the models of this server.`, {
    details: [`encoder: ${sources.map((source) => source.name).join(', ')}`],
  })
}

function tensorArtifact(name: string, tensor: FloatTensor, dtype: Precision, context: TaskContext): Artifact {
  const small = tensor.data.length <= WRITTEN_AT_ONCE
  const encoded = (how: 'rawBytes' | 'npyBytes') =>
    small
      ? { rawBytes, npyBytes }[how](tensor, dtype)
      : context.offload(work, how, [tensor, dtype], { phase: 'encode' })
  return {
    forms: [
      {
        contentType: 'application/octet-stream',
        suffix: `_${name}.bin`,
        // Values in full precision are there already.
        body: () => (dtype === 'float32' ? rawBytes(tensor, dtype) : encoded('rawBytes')),
      },
      { contentType: NPY_MEDIA_TYPE, suffix: `_${name}.npy`, body: () => encoded('npyBytes') },
    ],
  }
}
