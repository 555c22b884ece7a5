import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { budget, type WhenFull } from './core/budget.ts'
import { Cache } from './core/cache.ts'
import { Failure } from './core/errors.ts'
import { Lifetime } from './core/lifetime.ts'
import { readModelDirectory } from './families/directory.ts'
import type { Family } from './families/family.ts'
import { FAMILIES } from './families/index.ts'
import { recognise } from './families/recognise.ts'
import { sendError } from './http/errors.ts'
import type { Observation } from './http/invocation-line.ts'
import { invocations } from './http/invocations.ts'
import { serverMetrics } from './http/metrics.ts'
import { openApi } from './http/openapi.ts'
import type { Device } from './runtime/device.ts'
import type { Offload } from './runtime/offload.ts'
import type { ObjectStore } from './storage/s3.ts'
import { TASKS } from './tasks/index.ts'
import { bindTasks, type Services } from './tasks/services.ts'
import type { Task } from './tasks/task.ts'
import { LOAD_TIMEOUT_MS, warmUp } from './tasks/warm-up.ts'

export type Limits = {
  /** Requests inside at once, waiting or worked on. */
  requests: number
  whenFull: WhenFull
  bodyBytes: number
  /** Bytes of all bodies inside. */
  heldBytes: number
  imagePixels: number
  /** Pixels of all pictures being decoded. */
  decodingPixels: number
  requestTimeoutMs: number
  cacheBytes: number
}

export type AppOptions = {
  modelDirectory: string
  device: Device
  offload: Offload
  store: ObjectStore
  logger: FastifyBaseLogger
  limits: Limits
  /** Told of every finished request to /invocations. */
  onInvocation?: (observation: Observation) => void
  /** Monotonic milliseconds. */
  now: () => number
  /** Others than the server's own, in tests. */
  tasks?: readonly Task[]
  families?: readonly Family[]
}

export type App = {
  http: FastifyInstance
  /** Starts the workers, binds the tasks and warms the whole path; /ping is 200 once it has resolved. Rejects when models cannot be served. */
  load(): Promise<void>
  /** Tells how many requests share each run of the device. */
  observeBatch(requests: number): void
  /** Refuses new requests and waits for those inside: true when all were answered within `ms`. */
  drain(ms: number): Promise<boolean>
  /** Ends the workers and the listener. */
  close(): Promise<void>
}

/** The HTTP server without a listener: `app.http.inject` tests it, `app.http.listen` serves it. */
export function buildApp(options: AppOptions): App {
  const { device, offload, store, logger, limits, now, tasks = TASKS, families = FAMILIES } = options
  const places = budget(limits.requests, limits.whenFull, 'requests')
  const bodies = budget(limits.heldBytes, limits.whenFull, 'bytes of requests')
  const downloads = budget(limits.heldBytes, limits.whenFull, 'bytes of S3 objects')
  const pixels = budget(limits.decodingPixels, limits.whenFull, 'pixels being decoded')
  const cache = new Cache(limits.cacheBytes)
  const shared = { device, offload, cache, pixels, maxImagePixels: limits.imagePixels }
  const metrics = serverMetrics({
    inside: () => places.taken + places.waiting,
    bodyBytes: () => bodies.taken,
    waiting: () => device.stats().waiting,
    busy: () => device.stats().busy,
    restarts: () => device.stats().restarts,
    cacheBytes: () => cache.bytes,
    provider: device.stats().provider,
  })
  let services: Services | undefined
  let draining = false

  function closedBecause(): Failure | undefined {
    if (draining) return new Failure('Draining', 'The server is shutting down.')
    if (!services) return new Failure('NotReady', 'The models are still being loaded.')
    for (const [what, { state }] of Object.entries({ model: device, CPU: offload })) {
      if (state() !== 'ready') return new Failure('NotReady', `The ${what} workers are ${state()}.`)
    }
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
  // A logger for every request would cost a small one as much as its log line: lines name their request themselves.
  http.setChildLoggerFactory((parent) => parent)
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
    tasks: Object.fromEntries(
      [...(services?.all ?? [])].map(([name, { service }]) => [name, service.models.map(({ file }) => file)]),
    ),
    device: device.stats(),
    cpu: offload.stats(),
    cache: { entries: cache.size, bytes: cache.bytes },
  }))
  http.get('/openapi.json', () => openApi([...(services?.all.values() ?? [])].map(({ task }) => task)))
  // A plugin of its own: its content types are not those of the other routes.
  http.register(async (scope) =>
    invocations(scope, {
      services() {
        const reason = closedBecause()
        if (reason || !services) throw reason
        return services
      },
      tasks,
      shared,
      store,
      places,
      bodies,
      downloads,
      maxBodyBytes: limits.bodyBytes,
      requestTimeoutMs: limits.requestTimeoutMs,
      onEnd(observation) {
        metrics.observe(observation)
        options.onInvocation?.(observation)
      },
      now,
    }),
  )

  return {
    http,
    observeBatch: metrics.observeBatch,
    async load() {
      const directory = await readModelDirectory(options.modelDirectory)
      const [all] = await Promise.all([device.start(directory.specs), offload.start()])
      const models = recognise(families, directory.path, all)
      const bound = await bindTasks(tasks, models, directory.config, async (spec) => {
        const lifetime = new Lifetime(LOAD_TIMEOUT_MS)
        return device.open(spec, lifetime).finally(() => lifetime.end())
      })
      await warmUp(bound, shared, now)
      cache.clear()
      services = bound
    },
    drain(ms) {
      draining = true
      return places.empty(ms)
    },
    async close() {
      draining = true
      await http.close()
      await Promise.all([device.close(), offload.close()])
    },
  }
}
