import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Environment } from './environment.ts'
import { pipelineEnvironment } from './servers.ts'
import type { WorkloadName } from './workloads.ts'

/** How the machine's cores are given to raw loops: so many processes with so many threads each. */
export type Loops = { language: 'node' | 'python'; processes: number; threads: number }

export type LoopSample = Loops & { workload: WorkloadName; runsPerSecond: number; cpuMsPerRun: number }

/** Every way in which the cores can be given: the best of them is the limit. */
export function loopsFor(cores: number): Loops[] {
  return (['node', 'python'] as const).flatMap((language) => [
    { language, processes: 1, threads: 1 },
    ...(cores > 1
      ? [
          { language, processes: cores, threads: 1 },
          { language, processes: 1, threads: cores },
        ]
      : []),
  ])
}

export const LOOP_NAMES = ({ language, processes, threads }: Loops) => `${language} ${processes} × ${threads}`

type Printed = { runs: number; seconds: number; cpuSeconds: number }

/** Starts the loops, waits until all are warm, lets them go at once and adds up what they did. */
export async function runLoops(
  loops: Loops,
  options: { workload: WorkloadName; environment: Environment; feeds: string; seconds: number },
): Promise<LoopSample> {
  const { language, processes, threads } = loops
  const [command, script] =
    language === 'node' ? [process.execPath, 'raw.ts'] : [join(options.environment.bin, 'python'), 'raw.py']
  const running = Array.from({ length: processes }, () => {
    const child = spawn(command, [script, options.feeds, String(options.seconds)], {
      cwd: import.meta.dirname,
      env: {
        ...process.env,
        NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
        ...pipelineEnvironment(options.workload, options.environment, threads),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const line = async () => {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${script} ended before it was done`)
      return value as string
    }
    return { child, line }
  })
  try {
    await Promise.all(running.map(({ line }) => line()))
    for (const { child } of running) child.stdin.end('go\n')
    const results = await Promise.all(running.map(async ({ line }) => JSON.parse(await line()) as Printed))
    const runs = results.reduce((sum, result) => sum + result.runs, 0)
    return {
      ...loops,
      workload: options.workload,
      runsPerSecond: results.reduce((sum, result) => sum + result.runs / result.seconds, 0),
      cpuMsPerRun: (results.reduce((sum, result) => sum + result.cpuSeconds, 0) / runs) * 1000,
    }
  } finally {
    for (const { child } of running) child.kill('SIGKILL')
  }
}
