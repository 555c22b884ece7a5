import { fits, hasAll, type Signature } from '../runtime/model.ts'
import type { Family } from './family.ts'

export const SAM_HF_EMBEDDINGS = ['image_embeddings', 'image_positional_embeddings'] as const
/** The three levels of features, from the finest on. */
export const SAM2_HF_EMBEDDINGS = ['image_embeddings.0', 'image_embeddings.1', 'image_embeddings.2'] as const

const PROMPT = ['input_points', 'input_labels']
const RESULT = ['iou_scores', 'pred_masks']

/**
 * transformers' SamModel in the two parts that optimum writes (vision_encoder.onnx, prompt_encoder_mask_decoder.onnx): slimsam
 * and the SAM models made for transformers.js.
 */
export const samHf: Family<'encoder' | 'decoder'> = inTwoParts(
  'SAM 1 (transformers)',
  SAM_HF_EMBEDDINGS,
  'pixel_values float32[B,3,1024,1024] -> image_embeddings, image_positional_embeddings',
)

/** transformers' Sam2Model, EdgeTamModel and Sam3TrackerModel in the same two parts: the SAM 2 models made for transformers.js. */
export const sam2Hf: Family<'encoder' | 'decoder'> = inTwoParts(
  'SAM 2 (transformers)',
  SAM2_HF_EMBEDDINGS,
  'pixel_values float32[B,3,S,S] -> image_embeddings.0, image_embeddings.1, image_embeddings.2',
)

function inTwoParts(name: string, embeddings: readonly string[], encoder: string): Family<'encoder' | 'decoder'> {
  const part = ({ inputs, outputs }: Signature) => {
    if (hasAll(inputs, [...PROMPT, ...embeddings])) {
      const known = [...PROMPT, ...embeddings, 'input_boxes']
      return inputs.every((input) => known.includes(input.name)) && hasAll(outputs, RESULT) ? 'decoder' : undefined
    }
    const [pixels] = inputs
    if (inputs.length !== 1 || pixels?.name !== 'pixel_values' || !fits(pixels.shape, [1, 3, undefined, undefined])) {
      return undefined
    }
    return outputs.length === embeddings.length && hasAll(outputs, embeddings) ? 'encoder' : undefined
  }
  return {
    name,
    contract: `an encoder ${encoder}, and a decoder with inputs ${[...PROMPT, ...embeddings].join(', ')} and outputs ${RESULT.join(', ')}`,
    part,
    incomplete: (parts) => (parts.has('encoder') ? undefined : 'the decoder has no encoder'),
  }
}
