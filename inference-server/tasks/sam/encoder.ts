import { digest } from '../../core/digest.ts'
import { scratch } from '../../core/scratch.ts'
import type { Family, Models } from '../../families/family.ts'
import { SAM_HF_EMBEDDINGS, SAM2_HF_EMBEDDINGS, sam2Hf, samHf } from '../../families/sam-hf.ts'
import { sam1, sam1Encoder } from '../../families/sam1.ts'
import { SAM2_LEVELS, sam2 } from '../../families/sam2.ts'
import { sam3 } from '../../families/sam3.ts'
import type { Size } from '../../images/decode.ts'
import type { Model, Signature } from '../../runtime/model.ts'
import { type Work, workModule } from '../../runtime/offload.ts'
import { elements, type Tensors } from '../../runtime/tensors.ts'
import type { InputFile, TaskContext } from '../task.ts'
import { type Frame, resizeInto } from './frame.ts'
import { type EncoderInput, planesBytes } from './input.ts'

const work: Work<typeof import('./input.ts')> = workModule(new URL('./input.ts', import.meta.url))

/** Frames kept for the next pictures: one is written while another is read. */
const KEPT_FRAMES = 4

/** An image that went through an encoder: what it gave, by its own names, in shared memory. */
export type EmbeddedImage = { original: Size; tensors: Tensors }

/** The image encoder of a SAM. */
export type SamEncoder = {
  family: string
  model: Model
  frame: Frame
  /** Which of the tensors is the embedding in the strict sense: the coarsest features, on which prompts are decoded. */
  embedding: string
  /**
   * The image's embedding, kept by the file's hash, so that further prompts on the same file cost the decoder only. `check`
   * sees the picture's size before anything is decoded, and throws for a request that does not suit it.
   */
  embed(file: InputFile, context: TaskContext, check?: (original: Size) => void): Promise<EmbeddedImage>
}

type Kind = {
  family: Family
  /** The name of the coarsest features; SAM 1's exporters do not agree on one, but there is no other. */
  embedding: string | undefined
  frame(signature: Signature): Frame
  input(signature: Signature): EncoderInput
}

/** The side of a square of pixels, by the model's input; dynamic exports were made for the side that the family was trained at. */
function side({ inputs }: Signature, usual: number): number {
  const last = inputs[0]?.shape.at(-1)
  return typeof last === 'number' ? last : usual
}

/** transformers' Sam3TrackerModel has the names of its Sam2Model, but cells of 14 pixels, 72 in a row, and other statistics. */
function isSam3Tracker({ inputs, outputs }: Signature): boolean {
  const coarse = outputs.find(({ name }) => name === SAM2_HF_EMBEDDINGS[2])
  return inputs[0]?.shape.at(-1) === 1008 || coarse?.shape.at(-1) === 72
}

/** In the order of preference where several are there. */
const KINDS: readonly Kind[] = [
  {
    family: sam2,
    embedding: SAM2_LEVELS[2],
    frame: () => ({ side: 1024, fit: 'stretch' }),
    input: () => ({ layout: 'planes', statistics: 'imagenet' }),
  },
  {
    family: sam2Hf,
    embedding: SAM2_HF_EMBEDDINGS[2],
    frame: (signature) => ({ side: side(signature, isSam3Tracker(signature) ? 1008 : 1024), fit: 'stretch' }),
    input: (signature) => ({ layout: 'planes', statistics: isSam3Tracker(signature) ? 'half' : 'imagenet' }),
  },
  {
    family: sam1,
    embedding: undefined,
    frame: () => ({ side: 1024, fit: 'pad' }),
    input: (signature) => ({ layout: sam1Encoder(signature) ?? 'planes', statistics: 'imagenet' }),
  },
  {
    family: samHf,
    embedding: SAM_HF_EMBEDDINGS[0],
    frame: (signature) => ({ side: side(signature, 1024), fit: 'pad' }),
    input: () => ({ layout: 'planes', statistics: 'imagenet' }),
  },
  {
    family: sam3,
    embedding: 'backbone_fpn_2',
    frame: (signature) => ({ side: side(signature, 1008), fit: 'stretch' }),
    input: ({ inputs }) => ({ layout: inputs[0]?.type === 'uint8' ? 'bytes' : 'planes', statistics: 'half' }),
  },
]

/** The encoder of one family; undefined when it is not there. */
export function encoderOf(family: Family, models: Models): SamEncoder | undefined {
  const kind = KINDS.find((each) => each.family === family)
  const model = models.parts(family)?.encoder
  return kind && model ? samEncoderOf(kind, model) : undefined
}

/** The encoder of whichever SAM is there; undefined when none is. */
export function samEncoder(models: Models): SamEncoder | undefined {
  for (const { family } of KINDS) {
    const encoder = encoderOf(family, models)
    if (encoder) return encoder
  }
  return undefined
}

function samEncoderOf(kind: Kind, model: Model): SamEncoder {
  const frame = kind.frame(model.signature)
  const [input] = model.signature.inputs
  const asked = { ...kind.input(model.signature), side: frame.side, rank: input?.shape.length ?? 4 }
  const outputs = model.signature.outputs.map(({ name }) => name)
  const memory = scratch(planesBytes(frame.side), KEPT_FRAMES)
  const kept = model.signature.outputs.flatMap(({ name, type, shape }) =>
    type === 'float32' && shape.every((dimension) => typeof dimension === 'number')
      ? [[name, scratch(Float32Array.BYTES_PER_ELEMENT * elements(shape), KEPT_FRAMES)] as const]
      : [],
  )

  async function encode(file: InputFile, context: TaskContext, check: (original: Size) => void) {
    const resize = (size: Size) => {
      check(size)
      return resizeInto(frame, size)
    }
    let planes: SharedArrayBuffer | undefined
    const { original, result: tensor } = await context.decodeFor(file, { resize }, work, 'encoderInput', () => {
      planes = asked.layout === 'planes' ? memory.borrow() : undefined
      return [asked, planes]
    })
    const into = Object.fromEntries(kept.map(([name, pool]) => [name, pool.borrow()]))
    const tensors = await context.run(model, { [input?.name ?? '']: tensor }, { outputs, shared: true, into })
    if (planes) memory.giveBack(planes)
    const bytes = Object.values(tensors).reduce(
      (sum, { data }) => sum + (Array.isArray(data) ? data.length : data.byteLength),
      0,
    )
    const free = () => {
      for (const [name, pool] of kept) pool.giveBack(into[name] as SharedArrayBuffer)
    }
    return { value: { original, tensors }, bytes, free }
  }

  return {
    family: kind.family.name,
    model,
    frame,
    embedding: kind.embedding ?? outputs[0] ?? '',
    async embed(file, context, check = () => {}) {
      const key = `${model.id} ${await digest(file.bytes)}`
      const embedded = await context.cached<EmbeddedImage>(key, () => encode(file, context, check))
      check(embedded.original)
      return embedded
    },
  }
}
