import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { admission } from './core/admission.ts'
import { Failure } from './core/errors.ts'
import { Lru } from './core/lru.ts'
import { sendError } from './http/errors.ts'
import { invocations } from './http/invocations.ts'
import { serverMetrics } from './http/metrics.ts'
import type { Operations } from './runtime/operations.ts'
import type { Pool } from './runtime/pool.ts'
import { TASK_NAMES } from './tasks/index.ts'
import type { EmbeddedImage } from './tasks/task.ts'
import { warmUpTasks } from './tasks/warm-up.ts'

export type AppOptions = {
  pool: Pool<Operations>
  logger: FastifyBaseLogger
  limits: {
    /** Requests inside at once, waiting or worked on. */
    requests: number
    bodyBytes: number
    imagePixels: number
    requestTimeoutMs: number
    embeddingCacheEntries: number
  }
  /** Monotonic milliseconds. */
  now: () => number
}

export type App = {
  http: FastifyInstance
  /** Starts the workers and warms the whole path; /ping is 200 once it has resolved. Rejects when models cannot be served. */
  load(): Promise<void>
  /** Refuses new requests and waits for those inside: true when all were answered within `ms`. */
  drain(ms: number): Promise<boolean>
  /** Ends the workers and the listener. */
  close(): Promise<void>
}

/** The HTTP server without a listener: `app.http.inject` tests it, `app.http.listen` serves it. */
export function buildApp({ pool, logger, limits, now }: AppOptions): App {
  const gate = admission(limits.requests)
  const tasks = {
    pool,
    embeddings: new Lru<EmbeddedImage>(limits.embeddingCacheEntries),
    maxImagePixels: limits.imagePixels,
  }
  const metrics = serverMetrics({
    inside: () => gate.inside,
    busy: () => pool.stats().busy,
    restarts: () => pool.stats().restarts,
  })
  let warmed = false
  let draining = false

  function closedBecause(): Failure | undefined {
    if (draining) return new Failure('Draining', 'The server is shutting down.')
    if (!warmed) return new Failure('NotReady', 'The models are still being loaded.')
    if (pool.state() !== 'ready') return new Failure('NotReady', `The model workers are ${pool.state()}.`)
    return undefined
  }

  const http = Fastify({
    loggerInstance: logger,
    bodyLimit: limits.bodyBytes,
    // One line a request, written by the hook below, in place of fastify's two.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => {
      const inferenceId = request.headers['x-amzn-sagemaker-inference-id']
      return typeof inferenceId === 'string' && inferenceId !== '' ? inferenceId.slice(0, 128) : randomUUID()
    },
    requestTimeout: limits.requestTimeoutMs,
  })
  http.setErrorHandler(sendError)
  http.setNotFoundHandler((request, reply) => {
    reply.code(404).send({
      error: {
        code: 'NotFound',
        message: `There is no ${request.method} ${request.url.slice(0, 200)}.`,
        requestId: request.id,
      },
    })
  })

  http.get('/ping', (_request, reply) => {
    reply.code(closedBecause() ? 503 : 200).send()
  })
  http.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
  http.get('/', () => ({
    server: 'mooring inference-server',
    ready: closedBecause() === undefined,
    tasks: TASK_NAMES,
    models: pool.description() ?? null,
    workers: pool.stats(),
    embeddingsCached: tasks.embeddings.size,
  }))
  // A plugin of its own: its content types are not those of the other routes.
  http.register(async (scope) => {
    invocations(scope, {
      admission: gate,
      tasks,
      requestTimeoutMs: limits.requestTimeoutMs,
      now,
      assertOpen: () => {
        const reason = closedBecause()
        if (reason) throw reason
      },
    })
  })

  http.addHook('onResponse', async (request, reply) => {
    if (request.url !== '/invocations') return
    const task = request.account?.task ?? 'none'
    const spent = request.account?.phases.entries() ?? {}
    const { statusCode: status, elapsedTime } = reply
    metrics.observe({ task, status, seconds: elapsedTime / 1000, phases: spent })
    request.log.info({ task, status, ms: Math.round(elapsedTime * 10) / 10, phases: spent }, 'invocation')
  })

  return {
    http,
    async load() {
      await pool.start()
      await warmUpTasks(tasks, now)
      tasks.embeddings.clear()
      warmed = true
    },
    drain(ms) {
      draining = true
      return gate.empty(AbortSignal.timeout(ms))
    },
    async close() {
      draining = true
      await http.close()
      await pool.close()
    },
  }
}
