import type { z } from 'zod'
import type { Size } from '../../images/decode.ts'
import { type Work, workModule } from '../../runtime/offload.ts'
import type { Frame } from '../sam/frame.ts'
import type { TaskAnswer, TaskContext } from '../task.ts'
import { MAX_CORNERS, MAX_POLYGONS, type SegmentFields } from './fields.ts'
import type { MaskFacts } from './work.ts'

const work: Work<typeof import('./work.ts')> = workModule(new URL('./work.ts', import.meta.url))

/** One mask as the decoder left it: logits over the whole frame. */
export type Found = {
  logits: Float32Array<ArrayBuffer>
  size: Size
  score: number
  prompt: number
  /** Whether it is part of the mask that is answered with; alternatives are only told of. */
  shown: boolean
}

export type Answering = {
  frame: Frame
  original: Size
  fields: Pick<z.output<typeof SegmentFields>, 'rle' | 'polygons' | 'polygon_epsilon'>
  /** Whether each mask is told of on its own. */
  listed: boolean
  /** Drops masks whose IoU with a former one is over this. */
  distinct?: number
}

/** Brings masks to the picture's size and tells of them. */
export async function answerWith(
  found: readonly Found[],
  { frame, original, fields, listed, distinct }: Answering,
  context: TaskContext,
): Promise<TaskAnswer> {
  const planes = found.map(({ logits, size }) => ({ ...size, data: logits }))
  const wanted = {
    rle: fields.rle,
    polygons: fields.polygons ? { epsilon: fields.polygon_epsilon, limits: outlineLimits(found.length) } : undefined,
  }
  const { union, png, each } = await context.offload(
    work,
    'answeredMasks',
    [planes, found.flatMap(({ shown }, at) => (shown ? [at] : [])), frame, original, wanted, distinct],
    { transfer: planes.map(({ data }) => data.buffer) },
  )
  const told = found.flatMap(({ prompt, score, shown }, at) => {
    const facts = each[at]
    return facts ? [{ shown, prompt, mask: describeMask(facts, score) }] : []
  })
  const shown = told.filter((mask) => mask.shown).map(({ mask }) => mask)
  const lowest = shown.length > 0 ? Math.min(...shown.map(({ confidence_score }) => confidence_score)) : 0
  const [single] = shown
  return {
    fields: {
      ...(single && shown.length === 1 ? single : describeMask(union, lowest)),
      mask_size: [original.width, original.height],
      ...(listed ? { masks: told.map(({ prompt, mask }) => ({ ...mask, prompt })) } : {}),
    },
    artifacts: {
      mask: {
        forms: [{ contentType: 'image/png', suffix: '_mask.png', body: () => png }],
      },
    },
  }
}

/** What masks share of an answer's size. */
function outlineLimits(masks: number) {
  return { parts: MAX_POLYGONS, corners: Math.floor(MAX_CORNERS / Math.max(1, masks)) }
}

function describeMask({ area, boundingBox, rle, outlines }: MaskFacts, score: number) {
  return {
    confidence_score: Math.round(score * 10_000) / 10_000,
    area,
    bounding_box: boundingBox ?? null,
    ...(rle ? { rle } : {}),
    ...(outlines ? { polygons: outlines.polygons, polygons_omitted: outlines.omitted } : {}),
  }
}
