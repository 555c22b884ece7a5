import { type Logger, pino } from 'pino'

/** Bytes of log kept before they are written: a write for every line costs a small request a tenth of its time. */
const BUFFER_BYTES = 4096
/** How late a line may be while little happens, in milliseconds. */
const FLUSH_MS = 200

/** A logger to stdout whose lines may be a moment late; what is left is written when the process exits. */
export function bufferedLog(level: string): Logger {
  const destination = pino.destination({ sync: true, minLength: BUFFER_BYTES, periodicFlush: FLUSH_MS })
  process.on('exit', () => destination.flushSync())
  return pino({ level }, destination)
}
