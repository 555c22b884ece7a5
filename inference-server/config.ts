import { availableParallelism } from 'node:os'
import { z } from 'zod'

const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum)

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
  MOORING_INTRA_OP_THREADS: integer(1, 256).optional(),
  MOORING_QUEUE_LIMIT: integer(0, 100_000).default(64),
  MOORING_MAX_IMAGE_PIXELS: integer(1, 1_000_000_000).default(50_000_000),
  MOORING_EMBEDDING_CACHE_ENTRIES: integer(0, 10_000).default(16),
  MOORING_DRAIN_SECONDS: integer(0, 3600).default(25),
})

export type Config = Readonly<{
  host: string
  /** 0 asks the system for a free port. */
  port: number
  modelDirectory: string
  /** Worker threads, each with a session set (and a copy of the weights) of its own. */
  workers: number
  /** Threads inside one operator; workers × threads should not exceed the cores. */
  intraOpThreads: number
  /** Requests that may wait beyond those being worked on. */
  queueLimit: number
  /** Milliseconds from a request's arrival to its answer; a run still going then is killed. */
  requestTimeoutMs: number
  maxBodyBytes: number
  maxImagePixels: number
  /** Images whose embedding is kept, 4 MiB each. */
  embeddingCacheEntries: number
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
  return Object.freeze({
    host: e.SAGEMAKER_BIND_TO_HOST,
    port: e.SAGEMAKER_BIND_TO_PORT,
    modelDirectory: e.SM_MODEL_DIR ?? e.SAGEMAKER_MODEL_DIR ?? '/opt/ml/model',
    workers: e.SAGEMAKER_MODEL_SERVER_WORKERS,
    intraOpThreads:
      e.MOORING_INTRA_OP_THREADS ?? Math.max(1, Math.floor(availableParallelism() / e.SAGEMAKER_MODEL_SERVER_WORKERS)),
    queueLimit: e.MOORING_QUEUE_LIMIT,
    requestTimeoutMs: e.SAGEMAKER_MODEL_SERVER_TIMEOUT * 1000,
    maxBodyBytes: e.SAGEMAKER_MAX_PAYLOAD_IN_MB * 1024 * 1024,
    maxImagePixels: e.MOORING_MAX_IMAGE_PIXELS,
    embeddingCacheEntries: e.MOORING_EMBEDDING_CACHE_ENTRIES,
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
