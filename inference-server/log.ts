import { type Logger, pino } from 'pino'

/** Bytes of log kept before they are written: a write for every line costs a small request a tenth of its time. */
const BUFFER_BYTES = 16_000
/** How late a line may be while little happens, in milliseconds. */
const FLUSH_MS = 200

export type BufferedLog = {
  log: Logger
  /** Writes a line that is made already, its newline included, where the level lets information through. */
  line(text: string): void
}

/** A logger to stdout whose lines may be a moment late; what is left is written when the process exits. */
export function bufferedLog(level: string): BufferedLog {
  const destination = pino.destination({ sync: true, minLength: BUFFER_BYTES, periodicFlush: FLUSH_MS })
  process.on('exit', () => destination.flushSync())
  const log = pino({ level }, destination)
  const informed = log.isLevelEnabled('info')
  return {
    log,
    line(text) {
      if (informed) destination.write(text)
    },
  }
}
