import test from 'ava'
import type { Sample } from '../../../bench/inference/measure.ts'
import { report } from '../../../bench/inference/report.ts'

const sample = (over: Partial<Sample>): Sample => ({
  workload: 'tiny',
  server: 'ours',
  connections: 8,
  requestsPerSecond: 1000,
  p50Ms: 1,
  p99Ms: 2,
  pingsMs: [1],
  memoryMiB: 100,
  cpuMsPerRequest: 0.1,
  generatorShare: 0.1,
  othersShare: 0,
  ...over,
})
const loops = [
  { workload: 'tiny', language: 'node', processes: 1, threads: 1, runsPerSecond: 4000, cpuMsPerRun: 0.05 },
  { workload: 'tiny', language: 'python', processes: 2, threads: 1, runsPerSecond: 8000, cpuMsPerRun: 0.04 },
] as const

const lastLine = (samples: Sample[]) =>
  JSON.parse(report({ samples, loops, promptSpeedup: 20 }).split('\n').at(-1) ?? '') as Record<string, unknown>

test('a server that once answered wrongly has no figure, however fast it was', (t) => {
  const samples = [
    sample({ server: 'flask', requestsPerSecond: 9000, fault: '500: out of memory' }),
    sample({ server: 'flask', requestsPerSecond: 9000 }),
    sample({}),
  ]
  t.like(lastLine(samples), { tiny: { ours: 1000, flask: 0 }, faults: 1 })
  t.regex(report({ samples, loops, promptSpeedup: 20 }), /flask +8 +wrong: 500: out of memory/)
})

test('figures are medians over rounds, of the better way to run LitServe and of the fastest loop', (t) => {
  const rounds = [900, 1000, 5].map((requestsPerSecond) => sample({ requestsPerSecond }))
  const samples = [
    ...rounds,
    sample({ server: 'litserve', requestsPerSecond: 50 }),
    sample({ server: 'litserve-batched', requestsPerSecond: 70 }),
  ]
  t.like(lastLine(samples), { tiny: { ours: 900, litserve: 70, raw: 8000 }, promptSpeedup: 20 })
})

test('/ping is reported at its worst load', (t) => {
  const samples = [sample({ pingsMs: [1, 2] }), sample({ connections: 32, pingsMs: [40] })]
  t.is(lastLine(samples).pingP99Ms, 40)
})
