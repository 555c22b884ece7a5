import type { Size } from '../../images/decode.ts'
import type { Model } from '../../runtime/model.ts'
import type { TaskContext } from '../task.ts'
import type { EmbeddedImage, SamEncoder } from './encoder.ts'
import type { Prompt } from './prompt.ts'

/** What a decoder makes of one prompt: alternatives as logits at its own low resolution, over the whole frame. */
export type Candidates = {
  /** Of each plane, row by row; one plane after another. */
  logits: Float32Array
  size: Size
  /** The model's own estimate of each plane's IoU with what was meant. */
  scores: readonly number[]
}

/** A SAM with its decoder. */
export type SamDecoder = {
  encoder: SamEncoder
  models: readonly Model[]
  /** False for decoders that know points only. */
  takesBoxes: boolean
  /** The candidates of each prompt, in the order of the prompts. @throws Failure */
  decode(image: EmbeddedImage, prompts: readonly Prompt[], context: TaskContext): Promise<Candidates[]>
}

/** One of the candidates, without the others. */
export function plane({ logits, size: { width, height } }: Candidates, at: number): Float32Array<ArrayBuffer> {
  return new Float32Array(logits.subarray(at * width * height, (at + 1) * width * height))
}

/**
 * Which candidates a prompt may mean. Of four masks the first is meant for unambiguous prompts, the others are alternatives
 * (whole, part, subpart) for an ambiguous one; exports with fewer have only alternatives, or only the one.
 */
export function meant(count: number, multimask: boolean): number[] {
  const all = Array.from({ length: count }, (_, at) => at)
  if (count !== 4) return all
  return multimask ? all.slice(1) : [0]
}

/** The candidate of those that may be meant whose predicted IoU is the highest. */
export function bestOf(scores: readonly number[], candidates: readonly number[]): number {
  return candidates.reduce((best, at) => ((scores[at] ?? 0) > (scores[best] ?? 0) ? at : best), candidates[0] ?? 0)
}
