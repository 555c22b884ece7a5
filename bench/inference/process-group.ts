import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** After SIGTERM, until what is left is killed. */
const STOP_GRACE_MS = 10_000
/** proc_pid_stat(5) counts in ticks of 1/100 s on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

export type ProcessGroup = {
  child: ChildProcess
  /** User and system seconds of all its processes that still live. */
  cpuSeconds(): Promise<number>
  /** Proportional set size of all its processes, in MiB: a page that several share counts once. */
  memoryMiB(): Promise<number>
  stop(): Promise<void>
}

export type Command = {
  command: string
  args: readonly string[]
  environment: Readonly<Record<string, string>>
  cwd?: string
  log: string
}

/** A server with all the processes that it forks: they are a process group, which is measured and ended as one. */
export function startGroup({ command, args, environment, cwd, log }: Command): ProcessGroup {
  const file = openSync(log, 'w')
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', file, file],
    env: { ...process.env, ...environment },
    ...(cwd !== undefined && { cwd }),
  })
  closeSync(file)
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} cannot be started`)
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal)
    } catch {
      // The group has gone already.
    }
  }
  const onExit = () => kill('SIGKILL')
  process.on('exit', onExit)
  return {
    child,
    cpuSeconds: async () => {
      const members = await membersOf(pid)
      return members.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND
    },
    memoryMiB: async () => {
      const members = await membersOf(pid)
      const sizes = await Promise.all(members.map((member) => proportionalKiB(member.pid)))
      return sizes.reduce((sum, size) => sum + size, 0) / 1024
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit')
        // Only the first process: servers end their own workers.
        child.kill('SIGTERM')
        await Promise.race([exit, delay(STOP_GRACE_MS, undefined, { ref: false })])
      }
      kill('SIGKILL')
      process.off('exit', onExit)
    },
  }
}

async function membersOf(group: number): Promise<{ pid: number; ticks: number }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.map((pid) => statOf(pid)))
  return all
    .filter((each) => each !== undefined && each.group === group)
    .map((each) => each as NonNullable<typeof each>)
}

/** Fields 5 (group), 14 and 15 (user and system time); undefined of a process that has ended. */
async function statOf(pid: number): Promise<{ pid: number; group: number; ticks: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The name, field 2, may hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { pid, group: Number(fields[2]), ticks: Number(fields[11]) + Number(fields[12]) }
}

async function proportionalKiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0)
}

/** Seconds that the machine's cores have worked since boot, for whomever: /proc/stat, all but idle and iowait. */
export async function machineCpuSeconds(): Promise<number> {
  const line = (await readFile('/proc/stat', 'utf8')).split('\n')[0] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
}
