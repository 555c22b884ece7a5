import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Environment } from './environment.ts'
import type { Load, Loaded } from './generator.ts'
import { machineCpuSeconds } from './process-group.ts'
import { pipelineEnvironment, type Server, type ServerName } from './servers.ts'
import { quantile } from './statistics.ts'
import { type WorkloadName, workload } from './workloads.ts'

/** One window of load on one server. */
export type Sample = {
  workload: WorkloadName
  server: ServerName
  connections: number
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  pingsMs: readonly number[]
  memoryMiB: number
  /** CPU time of all the server's processes for one answer: unlike req/s, hardly depends on what else the machine does. */
  cpuMsPerRequest: number
  /** Of the machine's CPU time in the window. */
  generatorShare: number
  othersShare: number
  /** A wrong answer voids the window: no figure of it counts. */
  fault?: string
}

export type Generator = { run(load: Load): Promise<Loaded>; close(): void }

/** A warm-up goes on for this long at least, and until so many requests are answered, if that takes no longer than the last. */
const WARM_UP = { leastMs: 6_000, requests: 500, mostMs: 15_000 }
const WARM_UP_WINDOW_MS = 2_000

/** The load generator, a process of its own. */
export function startGenerator(): Generator {
  const child: ChildProcess = fork(join(import.meta.dirname, 'generator.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  return {
    async run(load) {
      child.send(load)
      const [result] = (await once(child, 'message')) as [Loaded]
      return result
    },
    close: () => child.disconnect(),
  }
}

/** Fills caches and pools, and lets a just-in-time compiler finish: ours gets up to twice as fast in the first seconds of its life. */
export async function warmUp(generator: Generator, load: Omit<Load, 'milliseconds'>): Promise<void> {
  const { leastMs, requests, mostMs } = WARM_UP
  const begin = performance.now()
  for (let answered = 0, ms = 0; ms < leastMs || (answered < requests && ms < mostMs); ms = performance.now() - begin) {
    const { latenciesMs } = await generator.run({ ...load, milliseconds: WARM_UP_WINDOW_MS })
    answered += latenciesMs.length
  }
}

/** The answers that the Python pipeline gives; the raw loops' inputs are left in `feeds`, a file. */
export async function expectedAnswers(name: WorkloadName, environment: Environment, feeds: string): Promise<unknown[]> {
  const { requests } = await workload(name)
  const { promise, resolve, reject } = Promise.withResolvers<unknown[]>()
  const python = execFile(
    join(environment.bin, 'python'),
    [join(import.meta.dirname, 'expected.py'), feeds],
    { env: { ...process.env, ...pipelineEnvironment(name, environment, 1) }, maxBuffer: 64 * 1024 * 1024 },
    (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout) as unknown[])),
  )
  python.stdin?.end(JSON.stringify(requests.map(({ json }) => json)))
  return promise
}

/** One window on a warm server. */
export async function sample(
  generator: Generator,
  server: Server,
  about: {
    workload: WorkloadName
    server: ServerName
    connections: number
    expected: readonly unknown[]
    seconds: number
    cores: number
  },
): Promise<Sample> {
  const { workload, connections, expected, seconds } = about
  const [cpuBefore, machineBefore, started] = [await server.cpuSeconds(), await machineCpuSeconds(), performance.now()]
  const loaded = await generator.run({
    workload,
    expected,
    port: server.port,
    connections,
    milliseconds: seconds * 1000,
  })
  const cpu = (await server.cpuSeconds()) - cpuBefore
  const machine = (await machineCpuSeconds()) - machineBefore
  const offered = ((performance.now() - started) / 1000) * about.cores
  return {
    workload,
    server: about.server,
    connections,
    requestsPerSecond: loaded.latenciesMs.length / loaded.seconds,
    p50Ms: quantile(loaded.latenciesMs, 0.5),
    p99Ms: quantile(loaded.latenciesMs, 0.99),
    pingsMs: loaded.pingsMs,
    memoryMiB: await server.memoryMiB(),
    cpuMsPerRequest: (cpu / loaded.latenciesMs.length) * 1000,
    generatorShare: loaded.cpuSeconds / offered,
    othersShare: Math.max(0, machine - cpu - loaded.cpuSeconds) / offered,
    ...(loaded.fault !== undefined && { fault: loaded.fault }),
  }
}
