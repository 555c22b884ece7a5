import type { Lifetime } from '../core/lifetime.ts'
import type { Phases } from '../core/phases.ts'
import { batchKey, itemsOf, join, split } from './batch.ts'
import { fixedBatchLimit, learnedBatchLimit } from './batch-limit.ts'
import type { Model, ModelSpec, Provider, Signature } from './model.ts'
import { type PoolOptions, type PoolState, type PoolStats, workerPool } from './pool.ts'
import type { Merge } from './queue.ts'
import { movableBuffers, type Tensors } from './tensors.ts'

export type DeviceWorkerData = { specs: readonly ModelSpec[]; provider: Provider; threads: number }

export type RunPayload = {
  model: number
  feeds: Tensors
  outputs: readonly string[] | undefined
  shared: boolean
  keep: boolean
  into: Readonly<Record<string, SharedArrayBuffer>> | undefined
}

/** What a device worker can be asked to do. */
export type DeviceOperations = {
  run: { payload: RunPayload; result: Tensors }
  open: { payload: ModelSpec; result: Signature }
  describe: { payload: undefined; result: { provider: Provider; signatures: Signature[] } }
}

export type RunModelOptions = {
  /** Only these outputs, which must be tensors; all of them otherwise. */
  outputs?: readonly string[] | undefined
  /**
   * Dimension 0 of every feed and output counts independent items, so that waiting requests may share one run: as many as make an
   * item cheaper, which is learnt, or as many as wait where the task knows that they cost little more together.
   */
  batch?: boolean | 'together'
  /** The outputs lie in shared memory: to be kept, and fed again without a copy. */
  shared?: boolean
  /** Memory for shared outputs by their names, used where it has an output's size. */
  into?: Readonly<Record<string, SharedArrayBuffer>> | undefined
  /** The feeds stay usable: they are copied instead of moved. */
  keep?: boolean
}

export type Device = {
  /** Starts the workers with these models and tells what each is. Rejects when one cannot be opened. */
  start(specs: readonly ModelSpec[]): Promise<Model[]>
  /** One more model, on every worker; only before requests are served. */
  open(spec: ModelSpec, lifetime: Lifetime): Promise<Model>
  /** Runs a model; its feeds' buffers move away unless they are shared or to be kept. Rejects with a Failure. */
  run(
    model: Model,
    feeds: Tensors,
    options: RunModelOptions,
    request: { lifetime: Lifetime; phases: Phases },
  ): Promise<Tensors>
  state(): PoolState
  stats(): PoolStats & { provider: Provider }
  close(): Promise<void>
}

export type DeviceOptions = {
  provider: Provider
  /** Worker threads, each with a session (and the weights) of every model. */
  workers: number
  /** Threads inside one operator. */
  threads: number
  /** Items in one run. */
  maxBatch: number
  batchDelayMs: number
  /** Told of each run: how many requests it serves. */
  onBatch?: (requests: number) => void
  now: () => number
  onEvent?: PoolOptions['onEvent']
}

/**
 * One run of what several requests feed to the same model. Their tensors are joined and divided here, in the main thread: to send
 * each of four small ones by itself takes ten times as long as to send the joined one.
 */
const mergedRuns: Merge = {
  join(payloads) {
    const runs = payloads as readonly RunPayload[]
    const [first] = runs
    const feeds = join(runs.map((run) => run.feeds))
    // A run that breaks is repeated for each of several requests, of whose feeds these are copies, and for one alone it is not.
    return { payload: { ...first, feeds }, transfer: runs.length === 1 && first?.keep ? [] : movableBuffers(feeds) }
  },
  split(result, payloads) {
    return split(
      result as Tensors,
      (payloads as readonly RunPayload[]).map(({ feeds }) => itemsOf(feeds)),
    )
  },
}

/** The models on their device: batches of what waits, on workers that are replaced when they hang or crash. */
export function device(options: DeviceOptions): Device {
  const { provider, threads } = options
  const specs: ModelSpec[] = []
  /** For runs that are known to cost little more for many items than for one: nothing is to be learnt of them. */
  const together = fixedBatchLimit(options.maxBatch)
  const pool = workerPool<DeviceOperations>({
    worker: new URL('./device-worker.ts', import.meta.url),
    workerData: (): DeviceWorkerData => ({ specs, provider, threads }),
    size: options.workers,
    batching: {
      limit: (provider === 'cpu' ? learnedBatchLimit : fixedBatchLimit)(options.maxBatch),
      delayMs: options.batchDelayMs,
      merge: mergedRuns,
    },
    now: options.now,
    ...(options.onEvent ? { onEvent: options.onEvent } : {}),
    ...(options.onBatch ? { onBatch: options.onBatch } : {}),
  })

  function model(id: number, signature: Signature | undefined): Model {
    const spec = specs[id]
    if (!spec || !signature) throw new Error('the workers did not say what they opened')
    return { id, file: spec.file, signature, provider }
  }

  return {
    async start(given) {
      specs.push(...given)
      await pool.start()
      const { signatures } = pool.description() as DeviceOperations['describe']['result']
      return signatures.map((signature, id) => model(id, signature))
    },
    async open(spec, lifetime) {
      const [signature] = await pool.everywhere('open', spec, lifetime)
      specs.push(spec)
      return model(specs.length - 1, signature)
    },
    run({ id }, feeds, { outputs, batch = false, shared = false, keep = false, into }, { lifetime, phases }) {
      const shares = batch && !shared
      return pool.run(
        'run',
        { model: id, feeds, outputs, shared, keep, into },
        {
          lifetime,
          onTimes(waited, ran) {
            phases.add('queue', waited)
            phases.add('infer', ran)
          },
          // What a batch moves is known when it is made up.
          ...(shares
            ? {
                batch: {
                  key: batchKey(id, feeds, outputs),
                  items: itemsOf(feeds),
                  ...(batch === 'together' ? { limit: together } : {}),
                },
              }
            : { transfer: keep ? [] : movableBuffers(feeds) }),
        },
      )
    },
    state: () => pool.state(),
    stats: () => ({ ...pool.stats(), provider }),
    close: () => pool.close(),
  }
}
