import type { Models } from '../../families/family.ts'
import type { Size } from '../../images/decode.ts'
import type { Model } from '../../runtime/model.ts'
import { floatsOf } from '../../runtime/tensors.ts'
import { samEncoder } from '../sam/encoder.ts'
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
  const encoder = samEncoder(models)
  if (!encoder) return undefined
  const { family, model } = encoder
  return {
    name: 'sam',
    family,
    model,
    async embed(file, context) {
      const { original, tensors } = await encoder.embed(file, context)
      const others = Object.keys(tensors).filter((name) => name !== encoder.embedding)
      return {
        original,
        embedding: floatsOf(tensors, encoder.embedding),
        further: Object.fromEntries(others.map((name) => [name, floatsOf(tensors, name)])),
      }
    },
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
