import { pino } from 'pino'
import { readConfig } from './config.ts'
import { connect } from './kube/client.ts'
import { startOperator } from './operator.ts'

/** Kubernetes kills after 30 s; a stop that hangs must not be taken for a clean one. */
const STOP_LIMIT_MS = 25_000

const config = readConfig(process.env)
const log = pino({ level: config.logLevel })

/** Exits rather than limps: Kubernetes starts a fresh process. */
function fatal(error: unknown, message: string): never {
  log.fatal({ err: error }, message)
  process.exit(1)
}
process.on('unhandledRejection', (reason) => fatal(reason, 'unhandled rejection'))
process.on('uncaughtException', (error) => fatal(error, 'uncaught exception'))

const operator = await startOperator({
  config,
  kube: connect({ kubeconfigPath: config.kubeconfigPath }),
  log,
  onFatal: (reason) => fatal(new Error(reason), 'cannot go on'),
}).catch((error: unknown) => fatal(error, 'cannot start'))
log.info({ address: operator.address }, 'serving /healthz, /readyz and /metrics')

let stopping = false
async function stop(signal: NodeJS.Signals): Promise<void> {
  if (stopping) return
  stopping = true
  log.info({ signal }, 'stopping')
  setTimeout(() => fatal(new Error(`not stopped within ${STOP_LIMIT_MS} ms`), 'cannot stop'), STOP_LIMIT_MS).unref()
  await operator.stop()
  log.info({}, 'stopped')
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
