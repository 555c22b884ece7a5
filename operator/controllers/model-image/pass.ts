import type { modelImageConditions } from '../../api/conditions.ts'
import type { ModelImage, ModelImageSpec, ModelImageStatus } from '../../api/model-image.ts'
import type { Reason } from '../../api/reasons.ts'
import type { ImageFacts } from '../../images/facts.ts'
import type { Log } from '../../kube/log.ts'

/**
 * What this process remembers of one object beside its status: only what saves requests. Losing it, as a restart does, costs a few more
 * and nothing else.
 */
export type ImageMemory = {
  uid: string
  /** What the last pass went by. */
  fingerprint?: string
  /** When the next pass is due, in ms since the epoch. */
  dueAt?: number
  /** Whether somebody said that an image was pushed, or asked for another look, and no pass has begun since. */
  hinted?: boolean
  /** The value of the annotation mooring.dev/resolve that was heeded last. */
  asked?: string | undefined
  /** What was read and checked of a digest whose contract test runs: its polls ask the registry for the tag alone. */
  checked?: { root: string; generation: number; facts: ImageFacts; passed: Passed }
  /** What was judged last, for which generation, and when, in ms since the epoch. */
  judged?: { image: string; generation: number; at: number }
}

/** One look at one ModelImage: its steps change `status` in memory and write nothing to Kubernetes. */
export type ImagePass = {
  object: ModelImage
  spec: ModelImageSpec
  status: ModelImageStatus
  /** The status as it was when the pass began. */
  before: ModelImageStatus
  conditions: ReturnType<typeof modelImageConditions.for>
  generation: number
  memory: ImageMemory
  now: Date
  random: () => number
  signal: AbortSignal
  log: Log
  emit(type: 'Normal' | 'Warning', reason: string, note: string): void
}

/** With warnings, if there are any. */
export type Passed = { state: 'passed'; message: string }

/** How the image behind the reference was judged. */
export type Judgement =
  | Passed
  | { state: 'rejected'; reason: Reason; message: string }
  /** It cannot be told yet: to be asked again after so many milliseconds. */
  | { state: 'checking' | 'testing'; reason: Reason; message: string; after: number }

/** The reference that endpoints run. */
export function pinned({ repositoryUri, digest }: Pick<ImageFacts, 'repositoryUri' | 'digest'>): string {
  return `${repositoryUri}@${digest}`
}
