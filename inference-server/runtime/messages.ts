/** What the pool and its workers say to each other. A worker does one job at a time. */
export type ToWorker = { id: number; operation: string; payload: unknown }

export type FromWorker =
  /** Models are loaded and have run once; `description` is shown at GET /. */
  | { type: 'ready'; description: unknown }
  /** The models cannot be served: starting again would not help. */
  | { type: 'unusable'; message: string }
  | { type: 'done'; id: number; result: unknown }
  /** The job failed, the worker is well. */
  | { type: 'failed'; id: number; message: string }
