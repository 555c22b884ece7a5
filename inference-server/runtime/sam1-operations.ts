import { threshold } from '../images/mask.ts'
import type { LoadedModels } from './models.ts'
import type { Onnx } from './onnx.ts'
import { EMBEDDING_SHAPE, type Embedding, type Operations, type SegmentJob, type SegmentResult } from './operations.ts'
import { chooseMask, decoderPoints, encoderInput, LOW_RES, upsample } from './sam1.ts'

export type Handlers = {
  [Name in keyof Operations]: (payload: Operations[Name]['payload']) => Promise<Operations[Name]['result']>
}

/** The decoder is told of a small picture: low_res_masks does not depend on its size, and the full-size masks then cost little. */
const DUMMY_SIZE = [64, 64] as const

/** What a worker does with its SAM 1 models. */
export function sam1Operations(ort: Onnx, { encoder, decoder }: LoadedModels): Handlers {
  async function embed({ image }: Operations['embed']['payload']): Promise<Embedding> {
    const { data, dims } = encoderInput(encoder.kind, image)
    const [input] = encoder.session.inputNames
    const [output] = encoder.session.outputNames
    const results = await encoder.session.run({ [input ?? '']: new ort.Tensor('float32', data, dims) })
    const values = floats(results[output ?? ''])
    const embedding = new Float32Array(new SharedArrayBuffer(values.byteLength))
    embedding.set(values)
    return embedding
  }

  async function segment({ embedding, original, prompt }: SegmentJob): Promise<SegmentResult> {
    const { coords, labels } = decoderPoints(prompt, original)
    const float = (data: Float32Array, dims: readonly number[]) => new ort.Tensor('float32', data, dims)
    const results = await decoder.session.run(
      {
        image_embeddings: float(embedding, EMBEDDING_SHAPE),
        point_coords: float(coords, [1, labels.length, 2]),
        point_labels: float(labels, [1, labels.length]),
        mask_input: float(new Float32Array(LOW_RES * LOW_RES), [1, 1, LOW_RES, LOW_RES]),
        has_mask_input: float(Float32Array.of(0), [1]),
        orig_im_size: float(Float32Array.from(DUMMY_SIZE), [2]),
      },
      ['low_res_masks', 'iou_predictions'],
    )
    const scores = floats(results.iou_predictions)
    const planes = floats(results.low_res_masks)
    const chosen = chooseMask(scores, prompt.multimask)
    const plane = planes.subarray(chosen * LOW_RES * LOW_RES, (chosen + 1) * LOW_RES * LOW_RES)
    return { mask: threshold(upsample(plane, original)), score: scores[chosen] ?? 0, scores: Array.from(scores) }
  }

  return { embed, segment }
}

function floats(tensor: { data: unknown } | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new TypeError('the model gave no float32 tensor')
  return tensor.data
}
