import type { Gaussians } from '../../formats/geometry.ts'
import type { Size } from '../../images/decode.ts'
import { type Work, workModule } from '../../runtime/offload.ts'
import type { Artifact, Form, TaskContext } from '../task.ts'
import type { Method } from './fields.ts'
import type { Surface } from './surface.ts'
import type { Representation } from './work.ts'

export const work: Work<typeof import('./work.ts')> = workModule(new URL('./work.ts', import.meta.url))

export const PLY = 'application/x-ply'
export const GLB = 'model/gltf-binary'

/** What a method made, before it is written in a format. */
export type Shape = { method: Method; original: Size; units: 'metres' | 'relative' | 'object' | 'model' } & (
  | { surface: Surface }
  | { gaussians: Gaussians }
)

/** What a file of that format holds. */
export function heldBy(method: Method, format: 'ply' | 'glb', asked: Representation | undefined): Representation {
  if (format === 'ply') return asked ?? 'gaussians'
  if (method === 'gaussians') return 'points'
  return asked === undefined || asked === 'mesh' ? 'mesh' : 'points'
}

/** The shape's file in either format; that of `first` where nobody chooses. Each is written when it is asked for. */
export function shapeArtifact(
  shape: Shape,
  first: 'ply' | 'glb',
  asked: Representation | undefined,
  context: TaskContext,
): Artifact {
  const ply: Form = {
    contentType: PLY,
    suffix: '_model.ply',
    body: () => writePly(shape, heldBy(shape.method, 'ply', asked), context),
  }
  const glb: Form = {
    contentType: GLB,
    suffix: '_model.glb',
    body: () => writeGlb(shape, heldBy(shape.method, 'glb', asked), context),
  }
  const bytes = { ...(first === 'ply' ? ply : glb), contentType: 'application/octet-stream' }
  return { forms: first === 'ply' ? [ply, glb, bytes] : [glb, ply, bytes] }
}

function writePly(shape: Shape, as: Representation, context: TaskContext): Promise<Uint8Array> {
  const options = { phase: 'encode' }
  return 'surface' in shape
    ? context.offload(work, 'surfacePly', [shape.surface, as], options)
    : context.offload(work, 'gaussiansPly', [shape.gaussians, as === 'gaussians' ? as : 'points'], options)
}

function writeGlb(shape: Shape, as: Representation, context: TaskContext): Promise<Uint8Array> {
  const options = { phase: 'encode' }
  return 'surface' in shape
    ? context.offload(work, 'surfaceGlb', [shape.surface, as === 'mesh' ? as : 'points'], options)
    : context.offload(work, 'gaussiansGlb', [shape.gaussians], options)
}
