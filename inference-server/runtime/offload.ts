import type { Lifetime } from '../core/lifetime.ts'
import { type PoolOptions, type PoolState, type PoolStats, workerPool } from './pool.ts'

/** A module of pure functions over plain data, to be called in another thread. */
export type Work<Module> = { url: string; module?: Module }

// biome-ignore lint/suspicious/noExplicitAny: the parameters of a function that is known by its name only
type AnyFunction = (...args: any[]) => unknown
export type FunctionNames<Module> = { [K in keyof Module]: Module[K] extends AnyFunction ? K : never }[keyof Module] &
  string
type Call<Module, Name extends keyof Module> = Module[Name] extends AnyFunction ? Module[Name] : never
export type Arguments<Module, Name extends keyof Module> = Parameters<Call<Module, Name>>
export type Result<Module, Name extends keyof Module> = Awaited<ReturnType<Call<Module, Name>>>

/** Names a module of work: `workModule<typeof import('./work.ts')>(new URL('./work.ts', import.meta.url))`. */
export function workModule<Module>(url: URL): Work<Module> {
  return { url: url.href }
}

export type Offload = {
  start(): Promise<void>
  /**
   * Calls an exported function in a free thread. Arguments are cloned but for `transfer` and shared memory; the buffers of
   * the result are moved back. A Failure that it throws arrives as one.
   */
  call<Module, Name extends FunctionNames<Module>>(
    work: Work<Module>,
    name: Name,
    args: Arguments<Module, Name>,
    options: { lifetime: Lifetime; transfer?: readonly ArrayBuffer[]; onTimes?: (waited: number, ran: number) => void },
  ): Promise<Result<Module, Name>>
  state(): PoolState
  stats(): PoolStats
  close(): Promise<void>
}

export type CallPayload = { url: string; name: string; args: unknown[] }

/** Threads for what would block the event loop: pixels to planes, masks to the picture's size, polygons, point clouds. */
export function offloadThreads(options: {
  threads: number
  now: () => number
  onEvent?: PoolOptions['onEvent']
}): Offload {
  const pool = workerPool<{ call: { payload: CallPayload; result: unknown } }>({
    worker: new URL('./offload-worker.ts', import.meta.url),
    workerData: () => undefined,
    size: options.threads,
    now: options.now,
    ...(options.onEvent ? { onEvent: options.onEvent } : {}),
  })
  return {
    start: () => pool.start(),
    call: ({ url }, name, args, run) => pool.run('call', { url, name, args }, run) as Promise<never>,
    state: () => pool.state(),
    stats: () => pool.stats(),
    close: () => pool.close(),
  }
}
