import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { type Request, withComment } from './payload.ts'

export type WorkloadName = 'tiny' | 'light' | 'compute' | 'sam'
export const WORKLOADS: readonly WorkloadName[] = ['tiny', 'light', 'compute', 'sam']

export type Workload = {
  name: WorkloadName
  requests: readonly Request[]
  /** Why the answer is not the expected one of the same request; undefined when it is. */
  fault(answer: unknown, expected: unknown): Promise<string | undefined>
}

const PHOTO = join(import.meta.dirname, '..', '..', 'samples', 'photo')
/** As many different rows as that no server could keep their answers by accident. */
const ROWS = 32
/** Of probabilities computed twice in float32. */
const PROBABILITY_TOLERANCE = 1e-5
/** Two decoders and two resamplers differ by single levels of a pixel: what follows from it must be all but the same. */
const LEAST_COSINE = 0.999
const LEAST_IOU = 0.98

type Predicted = { predictions: number[]; class_indices: number[]; probabilities: number[][] }
/** Numbers, or little-endian float32 in base64. */
type Embedded = { embedding: number[] | string }
type Segmented = { mask: string; mask_size: [number, number] }

/** The same bytes for every server; each picture is sent as one that no server has seen. */
export async function workload(name: WorkloadName): Promise<Workload> {
  if (name === 'tiny') {
    const requests = Array.from({ length: ROWS }, (_, row) => ({
      json: {
        task: 'predict',
        data: [[0, 1, 2, 3].map((column) => Math.round(Math.sin(4 * row + column) * 1e4) / 1e4)],
      },
      unique: false,
    }))
    return {
      name,
      requests,
      fault: async (answer, expected) => predictionFault(answer as Predicted, expected as Predicted),
    }
  }
  const image = withComment(await readFile(join(PHOTO, 'coffee.jpg'))).toString('base64')
  if (name === 'light' || name === 'compute') {
    const requests = [{ json: { task: 'get_embedding', image }, unique: true }]
    return {
      name,
      requests,
      fault: async (answer, expected) => embeddingFault(answer as Embedded, expected as Embedded),
    }
  }
  const { points } = JSON.parse(await readFile(join(PHOTO, 'prompt.json'), 'utf8')) as { points: number[][] }
  const requests = [{ json: { task: 'segment', image, points }, unique: true }]
  return { name, requests, fault: (answer, expected) => maskFault(answer as Segmented, expected as Segmented) }
}

function predictionFault(answer: Predicted, expected: Predicted): string | undefined {
  const given = answer.probabilities[0] ?? []
  const wanted = expected.probabilities[0] ?? []
  const near = wanted.every((value, index) => Math.abs(value - (given[index] ?? Number.NaN)) < PROBABILITY_TOLERANCE)
  if (wanted.length === 0 || given.length !== wanted.length || !near) return `probabilities ${given}, not ${wanted}`
  if (answer.predictions[0] !== expected.predictions[0])
    return `class ${answer.predictions[0]}, not ${expected.predictions[0]}`
  return undefined
}

function embeddingFault(answer: Embedded, expected: Embedded): string | undefined {
  const given = floats(answer.embedding)
  const wanted = floats(expected.embedding)
  if (given.length !== wanted.length) return `an embedding of ${given.length} numbers, not ${wanted.length}`
  const product = dot(given, wanted) / Math.sqrt(dot(given, given) * dot(wanted, wanted))
  return product >= LEAST_COSINE ? undefined : `an embedding at cosine ${product} from the expected one`
}

function floats(embedding: number[] | string): Float32Array {
  if (typeof embedding !== 'string') return Float32Array.from(embedding)
  const bytes = Uint8Array.from(Buffer.from(embedding, 'base64'))
  return new Float32Array(bytes.buffer)
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0)
}

async function maskFault(answer: Segmented, expected: Segmented): Promise<string | undefined> {
  const [given, wanted] = await Promise.all([pixels(answer.mask), pixels(expected.mask)])
  if (given.length !== wanted.length) return `a mask of ${answer.mask_size}, not ${expected.mask_size}`
  let both = 0
  let either = 0
  for (let at = 0; at < wanted.length; at++) {
    const a = (given[at] ?? 0) > 0
    const b = (wanted[at] ?? 0) > 0
    if (a && b) both++
    if (a || b) either++
  }
  const iou = both / either
  return iou >= LEAST_IOU ? undefined : `a mask at IoU ${iou} from the expected one`
}

async function pixels(png: string): Promise<Uint8Array> {
  return sharp(Buffer.from(png, 'base64')).extractChannel(0).raw().toBuffer()
}
