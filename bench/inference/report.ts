import { LOOP_NAMES, type LoopSample } from './limit.ts'
import type { Sample } from './measure.ts'
import type { ServerName } from './servers.ts'
import { median, quantile } from './statistics.ts'
import type { WorkloadName } from './workloads.ts'

/** All rounds of one server under one load, in one line. */
type Line = Omit<Sample, 'pingsMs' | 'cpuMsPerRequest' | 'generatorShare' | 'othersShare' | 'fault'> & {
  pingP99Ms: number
  cpuMs: number
  fault: string | undefined
}

export type Results = {
  samples: readonly Sample[]
  loops: readonly LoopSample[]
  promptSpeedup: number | undefined
}

/** The load whose figures the last line holds. */
const REPORTED_CONNECTIONS = 8
const HEAD = [
  'workload',
  'server',
  'c',
  'req/s',
  'p50 ms',
  'p99 ms',
  '/ping p99 ms',
  'MiB',
  'CPU ms/req',
  '÷ raw',
  'CPU ÷ raw',
]

/** A table, then one line of JSON. */
export function report({ samples, loops, promptSpeedup }: Results): string {
  const lines = combine(samples)
  const rows: string[][] = []
  for (const workload of new Set(lines.map((line) => line.workload))) {
    const limit = limitOf(workload, loops)
    for (const line of lines.filter((each) => each.workload === workload)) {
      const raw = line.connections === 1 ? limit.alone : limit.all
      rows.push([
        workload,
        line.server,
        String(line.connections),
        ...(line.fault === undefined
          ? [
              number(line.requestsPerSecond),
              number(line.p50Ms),
              number(line.p99Ms),
              number(line.pingP99Ms),
              number(line.memoryMiB),
              number(line.cpuMs),
              number(line.requestsPerSecond / raw),
              number(limit.cpuMs / line.cpuMs),
            ]
          : [`wrong: ${line.fault}`]),
      ])
    }
    for (const { name, perSecond, cpuMs } of limit.loops) {
      rows.push([workload, `raw, ${name}`, '', number(perSecond), '', '', '', '', number(cpuMs)])
    }
  }
  const others = median(samples.map(({ othersShare }) => othersShare))
  return [
    table([HEAD, ...rows]),
    '',
    `Other processes had ${(others * 100).toFixed(0)} % of the machine in the median window.`,
    JSON.stringify(summary(lines, { samples, loops, promptSpeedup })),
  ].join('\n')
}

function summary(lines: readonly Line[], { samples, loops, promptSpeedup }: Results): Record<string, unknown> {
  const at = (workload: WorkloadName, server: ServerName) => {
    const line = lines.find(
      (each) => each.workload === workload && each.server === server && each.connections === REPORTED_CONNECTIONS,
    )
    return line === undefined || line.fault !== undefined ? 0 : line.requestsPerSecond
  }
  const ours = lines.filter(({ server, fault }) => server === 'ours' && fault === undefined)
  const workloads = [...new Set(lines.map(({ workload }) => workload))].map((workload) => {
    const litserve = Math.max(at(workload, 'litserve'), at(workload, 'litserve-batched'))
    const figures = {
      ours: at(workload, 'ours'),
      flask: at(workload, 'flask'),
      litserve,
      raw: limitOf(workload, loops).all,
    }
    return [workload, mapped(figures, rounded)]
  })
  return {
    ...Object.fromEntries(workloads),
    pingP99Ms: rounded(Math.max(...ours.map(({ pingP99Ms }) => pingP99Ms))),
    promptSpeedup: promptSpeedup === undefined ? null : rounded(promptSpeedup),
    generatorShare: rounded(Math.max(...samples.map(({ generatorShare }) => generatorShare))),
    othersShare: rounded(median(samples.map(({ othersShare }) => othersShare))),
    faults: lines.filter(({ fault }) => fault !== undefined).length,
  }
}

function combine(samples: readonly Sample[]): Line[] {
  const groups = Map.groupBy(samples, ({ workload, server, connections }) => `${workload} ${server} ${connections}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const middle = (figure: (sample: Sample) => number) => median(group.map(figure))
    return {
      workload: first.workload,
      server: first.server,
      connections: first.connections,
      requestsPerSecond: middle(({ requestsPerSecond }) => requestsPerSecond),
      p50Ms: middle(({ p50Ms }) => p50Ms),
      p99Ms: middle(({ p99Ms }) => p99Ms),
      // Of all rounds' together: a window has too few of them.
      pingP99Ms: quantile(
        group.flatMap(({ pingsMs }) => pingsMs),
        0.99,
      ),
      memoryMiB: middle(({ memoryMiB }) => memoryMiB),
      cpuMs: middle(({ cpuMsPerRequest }) => cpuMsPerRequest),
      fault: group.find(({ fault }) => fault !== undefined)?.fault,
    }
  })
}

/** The fastest raw loops: with one request at a time, and with all cores; and the least CPU time of a run. */
function limitOf(workload: WorkloadName, all: readonly LoopSample[]) {
  const own = all.filter((each) => each.workload === workload)
  const loops = [...Map.groupBy(own, LOOP_NAMES).entries()].map(([name, group]) => ({
    name,
    alone: group.every(({ processes }) => processes === 1),
    perSecond: median(group.map(({ runsPerSecond }) => runsPerSecond)),
    cpuMs: median(group.map(({ cpuMsPerRun }) => cpuMsPerRun)),
  }))
  return {
    loops,
    all: Math.max(...loops.map(({ perSecond }) => perSecond)),
    alone: Math.max(...loops.filter(({ alone }) => alone).map(({ perSecond }) => perSecond)),
    cpuMs: Math.min(...loops.map(({ cpuMs }) => cpuMs)),
  }
}

function mapped(figures: Record<string, number>, change: (value: number) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, change(value)]))
}

/** Three digits that count. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

function number(value: number): string {
  return Number.isFinite(value) ? rounded(value).toLocaleString('en', { maximumFractionDigits: 4 }) : '-'
}

function table(rows: readonly string[][]): string {
  const widths = HEAD.map((_, column) =>
    Math.max(...rows.map((row) => (row.length < 5 ? 0 : (row[column]?.length ?? 0)))),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
