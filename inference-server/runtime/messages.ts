import type { FailureCode } from '../core/errors.ts'

/** What the pool and its workers say to each other. A worker does one at a time. */
export type ToWorker = { id: number; operation: string; payload: unknown }

export type Outcome =
  | { ok: true; result: unknown }
  /** The job failed, the worker is well. `failure` is the caller's to see, `message` is for the log. */
  | { ok: false; message: string; failure?: { code: FailureCode; message: string; details?: readonly string[] } }

export type FromWorker =
  /** It can take jobs. */
  | { type: 'ready'; description: unknown }
  /** It can never work: starting it again would not help. */
  | { type: 'unusable'; message: string }
  /** `ms` is how long it took. */
  | { type: 'done'; id: number; outcome: Outcome; ms: number }
