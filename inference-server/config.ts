import { availableParallelism } from 'node:os'
import { z } from 'zod'
import type { Limits } from './app.ts'
import type { Provider } from './runtime/model.ts'
import type { S3Options } from './storage/s3.ts'

const MIB = 1024 * 1024

const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum)

/** Prefixes end at a slash, so that `s3://bucket/a` does not allow `s3://bucket/ab`. */
const S3Prefixes = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((prefix) => prefix.trim())
      .filter((prefix) => prefix !== ''),
  )
  .pipe(
    z.array(
      z
        .string()
        .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+\/(.*\/)?$/, 'prefixes are given as s3://bucket/ or s3://bucket/folder/'),
    ),
  )

/**
 * The variables that this server reads. The names beginning with SAGEMAKER_ and SM_ are those of the SageMaker inference
 * toolkit, so that an endpoint's `environment` block means the same here as in AWS's own containers.
 */
const Environment = z.object({
  SAGEMAKER_BIND_TO_PORT: integer(0, 65535).default(8080),
  SAGEMAKER_BIND_TO_HOST: z.string().min(1).default('0.0.0.0'),
  SM_MODEL_DIR: z.string().min(1).optional(),
  SAGEMAKER_MODEL_DIR: z.string().min(1).optional(),
  SAGEMAKER_MODEL_SERVER_WORKERS: integer(1, 64).default(1),
  SAGEMAKER_MODEL_SERVER_TIMEOUT: integer(1, 3600).default(60),
  SAGEMAKER_MAX_PAYLOAD_IN_MB: integer(1, 1024).default(25),
  SAGEMAKER_CONTAINER_LOG_LEVEL: z.string().optional(),
  MOORING_PROVIDER: z.enum(['auto', 'cpu', 'cuda']).default('auto'),
  MOORING_INTRA_OP_THREADS: integer(1, 256).optional(),
  MOORING_CPU_THREADS: integer(1, 64).optional(),
  MOORING_MAX_BATCH: integer(1, 1024).default(32),
  MOORING_BATCH_DELAY_MS: integer(0, 10_000).default(0),
  MOORING_QUEUE_LIMIT: integer(0, 100_000).default(64),
  MOORING_WHEN_FULL: z.enum(['reject', 'wait']).default('reject'),
  MOORING_MAX_HELD_MB: integer(1, 1_000_000).default(512),
  MOORING_MAX_IMAGE_PIXELS: integer(1, 1_000_000_000).default(50_000_000),
  MOORING_MAX_DECODING_PIXELS: integer(1, 10_000_000_000).default(200_000_000),
  MOORING_CACHE_MB: integer(0, 1_000_000).default(256),
  MOORING_S3_INPUTS: S3Prefixes,
  MOORING_S3_OUTPUTS: S3Prefixes,
  MOORING_S3_PATH_STYLE: z.stringbool().default(false),
  MOORING_EMF_NAMESPACE: z.string().max(255).default('Mooring/InferenceServer'),
  MOORING_DRAIN_SECONDS: integer(0, 3600).default(25),
})

export type Config = Readonly<{
  host: string
  /** 0 asks the system for a free port. */
  port: number
  modelDirectory: string
  /** `auto` takes CUDA where it can be loaded, and says so; `cuda` refuses to start on a CPU. */
  provider: 'auto' | Provider
  /** Device workers, each with a session set (and a copy of the weights) of its own. */
  workers: number
  /** Threads inside one operator; workers × threads should not exceed the cores. */
  intraOpThreads: number
  /** Threads for what is done before and after a model runs. */
  cpuThreads: number
  maxBatch: number
  batchDelayMs: number
  limits: Limits
  s3: S3Options
  /** Undefined: no metrics in the log. */
  emfNamespace: string | undefined
  /** SageMaker sends SIGKILL 30 s after SIGTERM. */
  drainMs: number
  logLevel: string
}>

/**
 * Reads the configuration.
 * @throws Error naming each variable that is wrong, or the unknown argument. `serve` is the one argument that SageMaker gives.
 */
export function loadConfig(environment: Record<string, string | undefined>, args: readonly string[]): Config {
  const unknown = args.find((argument) => argument !== 'serve')
  if (unknown !== undefined) throw new Error(`unknown argument ${JSON.stringify(unknown)}: only "serve" is understood`)
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
  }
  const e = parsed.data
  const workers = e.SAGEMAKER_MODEL_SERVER_WORKERS
  const cores = availableParallelism()
  return Object.freeze({
    host: e.SAGEMAKER_BIND_TO_HOST,
    port: e.SAGEMAKER_BIND_TO_PORT,
    modelDirectory: e.SM_MODEL_DIR ?? e.SAGEMAKER_MODEL_DIR ?? '/opt/ml/model',
    provider: e.MOORING_PROVIDER,
    workers,
    intraOpThreads: e.MOORING_INTRA_OP_THREADS ?? Math.max(1, Math.floor(cores / workers)),
    cpuThreads: e.MOORING_CPU_THREADS ?? Math.min(4, Math.max(1, cores - 1)),
    maxBatch: e.MOORING_MAX_BATCH,
    batchDelayMs: e.MOORING_BATCH_DELAY_MS,
    limits: {
      requests: workers + e.MOORING_QUEUE_LIMIT,
      whenFull: e.MOORING_WHEN_FULL,
      bodyBytes: e.SAGEMAKER_MAX_PAYLOAD_IN_MB * MIB,
      heldBytes: Math.max(e.MOORING_MAX_HELD_MB, e.SAGEMAKER_MAX_PAYLOAD_IN_MB) * MIB,
      imagePixels: e.MOORING_MAX_IMAGE_PIXELS,
      decodingPixels: Math.max(e.MOORING_MAX_DECODING_PIXELS, e.MOORING_MAX_IMAGE_PIXELS),
      requestTimeoutMs: e.SAGEMAKER_MODEL_SERVER_TIMEOUT * 1000,
      cacheBytes: e.MOORING_CACHE_MB * MIB,
    },
    s3: { inputs: e.MOORING_S3_INPUTS, outputs: e.MOORING_S3_OUTPUTS, pathStyle: e.MOORING_S3_PATH_STYLE },
    emfNamespace: e.MOORING_EMF_NAMESPACE === 'off' ? undefined : e.MOORING_EMF_NAMESPACE,
    drainMs: e.MOORING_DRAIN_SECONDS * 1000,
    logLevel: logLevel(e.SAGEMAKER_CONTAINER_LOG_LEVEL),
  })
}

/** SageMaker passes Python's numbers (10 debug … 50 critical); pino wants words. */
function logLevel(value: string | undefined): string {
  const byNumber: Record<string, string> = { '10': 'debug', '20': 'info', '30': 'warn', '40': 'error', '50': 'fatal' }
  const level = value === undefined ? 'info' : (byNumber[value] ?? value.toLowerCase())
  if (!['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].includes(level)) {
    throw new Error(`SAGEMAKER_CONTAINER_LOG_LEVEL: ${JSON.stringify(value)} is not a log level`)
  }
  return level
}
