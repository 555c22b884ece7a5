import type { FastifyBaseLogger } from 'fastify'
import { type App, type AppOptions, buildApp } from './app.ts'
import type { Config } from './config.ts'
import { type DeviceOptions, device } from './runtime/device.ts'
import type { Provider } from './runtime/model.ts'
import { offloadThreads } from './runtime/offload.ts'
import { s3Store } from './storage/s3.ts'

/** The server that a configuration describes, on worker threads of its own. */
export function composeServer(
  config: Config,
  provider: Provider,
  logger: FastifyBaseLogger,
  overrides: Partial<AppOptions> = {},
): App & Pick<AppOptions, 'device' | 'offload'> {
  const now = () => performance.now()
  const onEvent: NonNullable<DeviceOptions['onEvent']> = (event, details) =>
    event === 'worker-ready' ? logger.info(details, event) : logger.error(details, event)
  const options: AppOptions = {
    modelDirectory: config.modelDirectory,
    device: device({
      provider,
      workers: config.workers,
      threads: config.intraOpThreads,
      maxBatch: config.maxBatch,
      batchDelayMs: config.batchDelayMs,
      onBatch: (requests) => app.observeBatch(requests),
      now,
      onEvent,
    }),
    offload: offloadThreads({ threads: config.cpuThreads, now, onEvent }),
    store: s3Store(config.s3),
    logger,
    limits: config.limits,
    now,
    ...overrides,
  }
  const app = buildApp(options)
  return { ...app, device: options.device, offload: options.offload }
}
