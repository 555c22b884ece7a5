import { MAX_LOG_LINE_LENGTH, MAX_LOG_LINES } from '../api/contract-test.ts'
import { redacted } from './checks/secret-patterns.ts'

/** Of the whole tail in status, in characters. */
const MAX_LENGTH = 8192
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are told colours by them.
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]/g
/** Credentials without a form of their own, by what stands before them. */
const NAMED =
  /((?:secret|password|passwd|token|api[_-]?key|authorization)["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer |basic )?)[^\s"',;]{6,}/gi

/**
 * The end of a container's output, as status keeps it: bounded, without colours, and without credentials of the usual forms: they must
 * not go from a log, which few may read, into a status, which many may.
 */
export function logTail(output: string): string[] {
  const lines = output
    .split('\n')
    .map((line) => clean(overwritten(line)))
    .filter((line) => line !== '')
    .slice(-MAX_LOG_LINES)
  let length = lines.reduce((sum, line) => sum + line.length, 0)
  while (length > MAX_LENGTH) length -= lines.shift()?.length ?? length
  return lines
}

/** What a terminal would show of a line that went back to its beginning, as progress bars do. */
function overwritten(line: string): string {
  const shown = line.replace(/\r+$/, '')
  return shown.slice(shown.lastIndexOf('\r') + 1)
}

function clean(line: string): string {
  const plain = line
    .slice(0, 8 * MAX_LOG_LINE_LENGTH)
    .replace(ESCAPES, '')
    .replace(/\p{Cc}/gu, ' ')
    .trimEnd()
  const safe = redacted(plain).replace(NAMED, '$1[redacted]')
  return (safe.length > MAX_LOG_LINE_LENGTH ? `${safe.slice(0, MAX_LOG_LINE_LENGTH)}…` : safe).toWellFormed()
}
