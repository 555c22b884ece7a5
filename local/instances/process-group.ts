import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

export type ProcessGroup = {
  pid: number | undefined
  /** Resolves once the program and everything it started are gone and its output is read, with the reason in words. */
  ended: Promise<Ended>
  /** SIGTERM, then SIGKILL after `graceMs` of real time. Resolves as `ended` does. */
  terminate(graceMs: number): Promise<void>
  kill(): void
}
export type Ended = { reason: string; started: boolean }

/** The groups alive in this process: whatever ends it, none of them may outlive it. */
const alive = new Set<number>()
process.on('exit', () => {
  for (const pid of alive) signalGroup(pid, 'SIGKILL')
})

/** Starts a program as the leader of a process group of its own, so that its children end with it as a container's would. */
export function startProcessGroup(options: {
  command: readonly string[]
  cwd: string
  environment: Record<string, string>
  onLine: (line: string) => void
}): ProcessGroup {
  const [program = '', ...args] = options.command
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid !== undefined) alive.add(pid)
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', options.onLine)

  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => {
      if (pid === undefined) resolve({ reason: error.message, started: false })
    })
    child.once('exit', () => {
      if (pid !== undefined) signalGroup(pid, 'SIGKILL')
    })
    child.once('close', (code, signal) => {
      if (pid !== undefined) alive.delete(pid)
      resolve({ reason: signal ? `killed by ${signal}` : `exited with code ${code}`, started: pid !== undefined })
    })
  })
  const running = () => child.exitCode === null && child.signalCode === null
  const kill = () => {
    if (pid !== undefined && running()) signalGroup(pid, 'SIGKILL')
  }
  return {
    pid,
    ended,
    kill,
    async terminate(graceMs) {
      if (pid === undefined) return
      if (running()) signalGroup(pid, 'SIGTERM')
      const grace = new AbortController()
      const expired = delay(graceMs, undefined, { signal: grace.signal }).then(kill, () => {})
      await Promise.race([ended, expired.then(() => ended)])
      grace.abort()
    },
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: the group is gone, which is what was wanted. EPERM: only zombies are left of it.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}
