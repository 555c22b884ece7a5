import type { Models } from '../../families/family.ts'
import { sam1 } from '../../families/sam1.ts'
import type { Size } from '../../images/decode.ts'
import type { Model } from '../../runtime/model.ts'
import { embedImage } from '../segment/embed.ts'
import type { InputFile, TaskContext } from '../task.ts'
import { clipEncoder, type Encoder, otherEncoder } from './image-embedder.ts'
import type { FloatTensor } from './work.ts'

/** The encoders that a request may choose from, in the order of preference. */
export const SOURCES = ['sam', 'clip', 'encoder'] as const
export type SourceName = (typeof SOURCES)[number]

/** What an encoder made of a picture: its embedding, and what the same family's decoder needs beside it. */
export type Embedded = { original: Size; embedding: FloatTensor; further: Readonly<Record<string, FloatTensor>> }

export type Source = {
  name: SourceName
  family: string
  model: Model
  embed(file: InputFile, context: TaskContext): Promise<Embedded>
}

/** The encoders that are there. */
export async function sourcesOf(models: Models): Promise<Source[]> {
  const found = [
    samSource(models),
    single('clip', await clipEncoder(models)),
    single('encoder', await otherEncoder(models)),
  ]
  return found.filter((source) => source !== undefined)
}

function samSource(models: Models): Source | undefined {
  const { encoder } = models.parts(sam1) ?? {}
  if (!encoder) return undefined
  return {
    name: 'sam',
    family: sam1.name,
    model: encoder,
    embed: async (file, context) => ({ ...(await embedImage(encoder, file, context)), further: {} }),
  }
}

function single(name: SourceName, encoder: Encoder | undefined): Source | undefined {
  if (!encoder) return undefined
  const { family, model } = encoder
  return {
    name,
    family,
    model,
    async embed(file, context) {
      const { original, tensor } = await encoder.encode(file, context)
      return { original, embedding: tensor, further: {} }
    },
  }
}
