import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** How long a process may take to end after SIGTERM; the local cloud first stops its own instances. */
const STOP_GRACE_MS = 10_000

export type Processes = {
  /** Starts `node <script> …` in a process group of its own, its output in `<logs>/<name>.log`. */
  start(name: string, args: string[], environment: Record<string, string>): ChildProcess
  /** Throws, with the end of its log, when a process has ended by itself. */
  check(): void
  /** Of one that was ended on purpose: it is no longer watched. */
  forget(child: ChildProcess): void
  /** Ends all of them, the last started first, each with what it started itself. */
  stop(): Promise<void>
}

export async function processes(logDirectory: string): Promise<Processes> {
  await mkdir(logDirectory, { recursive: true })
  const children: { name: string; log: string; child: ChildProcess }[] = []
  const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null
  const kill = (child: ChildProcess, signal: NodeJS.Signals) => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // The group has gone already.
    }
  }
  // Whatever way this process ends, short of SIGKILL, nothing that it started stays behind.
  const onExit = () => {
    for (const { child } of children) kill(child, 'SIGKILL')
  }
  process.on('exit', onExit)

  return {
    start(name, args, environment) {
      const log = join(logDirectory, `${name}.log`)
      const file = openSync(log, 'w')
      const child = spawn(process.execPath, args, {
        detached: true,
        stdio: ['ignore', file, file],
        env: { ...process.env, ...environment },
      })
      closeSync(file)
      children.push({ name, log, child })
      return child
    },
    check() {
      const gone = children.find(({ child }) => ended(child))
      if (!gone) return
      const how = gone.child.signalCode ?? `exit code ${gone.child.exitCode}`
      const tail = readFileSync(gone.log, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
      throw new Error(`the ${gone.name} process ended (${how}); the end of ${basename(gone.log)}:\n${tail}`)
    },
    forget(child) {
      const index = children.findIndex((known) => known.child === child)
      if (index >= 0) children.splice(index, 1)
    },
    async stop() {
      for (const { child } of [...children].reverse()) {
        if (!ended(child)) {
          const exit = new Promise((resolve) => child.once('exit', resolve))
          kill(child, 'SIGTERM')
          const timer = setTimeout(() => kill(child, 'SIGKILL'), STOP_GRACE_MS)
          await exit
          clearTimeout(timer)
        }
        kill(child, 'SIGKILL')
      }
      children.length = 0
      process.off('exit', onExit)
    },
  }
}
