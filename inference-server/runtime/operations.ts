import type { RgbImage, Size } from '../images/decode.ts'
import type { BinaryMask } from '../images/mask.ts'

/** [1, 256, 64, 64], in shared memory: any worker may read an embedding that another made, without a copy. */
export type Embedding = Float32Array<SharedArrayBuffer>

export const EMBEDDING_SHAPE = [1, 256, 64, 64] as const

/** A prompt in pixels of the upright original picture. */
export type Prompt = {
  points: readonly (readonly [number, number])[]
  /** One for each point: 1 foreground, 0 background. */
  labels: readonly (0 | 1)[]
  /** [left, top, right, bottom] */
  box?: readonly [number, number, number, number] | undefined
  /** True takes the best of the alternatives for an ambiguous prompt, false the mask for an unambiguous one. */
  multimask: boolean
}

export type SegmentJob = { embedding: Embedding; original: Size; prompt: Prompt }
export type SegmentResult = { mask: BinaryMask; score: number; scores: number[] }

/** What a worker can be asked to do, with what it takes and gives. */
export type Operations = {
  embed: { payload: { image: RgbImage }; result: Embedding }
  segment: { payload: SegmentJob; result: SegmentResult }
}
