import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

const MAIN = join(import.meta.dirname, '..', '..', 'operator', 'main.ts')
/** A hang detector, not a measure: the machine may be busy. */
const LIMIT_MS = 60_000

export type LogLine = { level: number; msg: string; address?: string; resource?: string; err?: { message: string } }

export type OperatorProcess = {
  child: ChildProcess
  /** What it logged so far. */
  lines: LogLine[]
  /** Waits for a log line with this text in its message. @throws Error with the whole log */
  saw(text: string): Promise<LogLine>
  /** Whether the process runs: false from the moment that a signal was sent to end it. */
  alive(): boolean
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
}

/**
 * The operator as production runs it: `node operator/main.ts` with its environment, and nothing of this process's own.
 * @param environment in addition to what keeps it on loopback and impatient
 */
export function operatorProcess(environment: Record<string, string>): OperatorProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      MOORING_HTTP_ADDRESS: '127.0.0.1',
      MOORING_HTTP_PORT: '0',
      MOORING_POLL_IN_FLIGHT_SECONDS: '0.2',
      MOORING_POLL_SETTLED_SECONDS: '1',
      MOORING_POLL_DELETING_SECONDS: '0.2',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit')
  const lines: LogLine[] = []
  const errors: string[] = []
  let killed = false
  child.stderr?.on('data', (chunk: Uint8Array) => errors.push(String(chunk)))
  if (child.stdout) createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)))
  return {
    child,
    lines,
    async saw(text) {
      for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(10)) {
        const line = lines.find(({ msg }) => msg.includes(text))
        if (line) return line
      }
      throw new Error(`not within ${LIMIT_MS} ms: ${text}. Log: ${JSON.stringify(lines)} ${errors.join('')}`)
    },
    alive: () => !killed && child.exitCode === null && child.signalCode === null,
    async kill() {
      killed = true
      child.kill('SIGKILL')
      await exit
    },
  }
}
