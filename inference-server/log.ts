import { type Logger, pino } from 'pino'

/** Characters of lines kept before they are written together: a write for every line costs a small request a tenth of its time. */
const BUFFER_LENGTH = 16_000
/** How late a line may be while little happens, in milliseconds. */
const FLUSH_MS = 200
/** What may wait for a reader that has stalled; lines beyond are lost, since requests must not wait for their log. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024

export type ServerLog = {
  /** Lines of the server itself, each written at once. */
  log: Logger
  /** Writes a request's line, made already and with its newline, where the level lets information through; a moment late. */
  line(text: string): void
}

/** A log on stdout; what is left is written when the process exits. */
export function serverLog(level: string): ServerLog {
  const log = pino({ level }, pino.destination({ sync: true }))
  const lines = pino.destination({ sync: false, maxLength: MAX_WAITING_BYTES })
  const informed = log.isLevelEnabled('info')
  // Not the destination's own buffer: that one measures all it holds for every line.
  let waiting = ''
  const flush = () => {
    if (waiting !== '') lines.write(waiting)
    waiting = ''
  }
  setInterval(flush, FLUSH_MS).unref()
  process.on('exit', () => {
    flush()
    lines.flushSync()
  })
  return {
    log,
    line(text) {
      if (!informed) return
      waiting += text
      if (waiting.length >= BUFFER_LENGTH) flush()
    },
  }
}
