import { pino } from 'pino'
import { composeServer } from './compose.ts'
import { loadConfig } from './config.ts'
import { invocationLines } from './http/invocation-line.ts'
import { serverLog } from './log.ts'
import { chooseProvider } from './runtime/provider.ts'

// From 1.29 on, onnxruntime's Linux builds tell their maker which models are loaded, unless this is set before the first session.
process.env.ORT_DISABLE_TELEMETRY = '1'

/** Composes the server and keeps its life: listen, load, serve, drain on SIGTERM, exit. */
const config = loadConfigOrExit()
const { log, line } = serverLog(config.logLevel)
const invocationLine = invocationLines(config.emfNamespace)
const now = () => performance.now()

const { provider, reason } = await chooseProvider(config.provider).catch((error) =>
  fail(error, 'the server cannot start'),
)
log[reason ? 'warn' : 'info']({ provider, reason }, 'execution provider')
const app = composeServer(config, provider, log, {
  onInvocation: (observation) => line(invocationLine(observation, Date.now())),
})

let stopping = false
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal))
process.on('unhandledRejection', (error) => fail(error, 'unhandled rejection'))

try {
  // Listening comes before loading: SageMaker asks /ping all the while, and must be told 503.
  await app.http.listen({ host: config.host, port: config.port })
  const start = now()
  await app.load()
  log.info({ provider, ms: Math.round(now() - start) }, 'models are loaded and warmed')
} catch (error) {
  if (!stopping) fail(error, 'the server cannot start')
}

async function stop(signal: string): Promise<void> {
  if (stopping) return
  stopping = true
  log.info({ signal }, 'draining')
  const drained = await app.drain(config.drainMs)
  if (!drained) log.error('requests were still running when the time for draining was over')
  await app.close()
  log.info('stopped')
  process.exit(drained ? 0 : 1)
}

/** A model that cannot be served will not be served later either: the container's exit and its last line say so at once. */
function fail(error: unknown, message: string): never {
  log.fatal({ err: error }, `${message}: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}

function loadConfigOrExit() {
  try {
    return loadConfig(process.env, process.argv.slice(2))
  } catch (error) {
    pino().fatal(`configuration: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
}
