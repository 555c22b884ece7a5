import test from 'ava'
import { invocationLines, type Observation } from '../../../inference-server/http/invocation-line.ts'

type Line = Record<string, unknown> & {
  _aws: {
    Timestamp: number
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[]
  }
}

const observed = (about: Partial<Observation>): Observation => ({
  requestId: 'a',
  task: 'segment',
  status: 200,
  ms: 9.25,
  phases: {},
  ...about,
})
const lineOf = (namespace: string | undefined, about: Partial<Observation>) => {
  const text = invocationLines(namespace)(observed(about), 1_700_000_000_000)
  if (!text.endsWith('}\n') || text.indexOf('\n') !== text.length - 1) throw new Error(`no line: ${text}`)
  return JSON.parse(text) as Line
}

test('every metric that a line declares, and every dimension, is in the line', (t) => {
  for (const phases of [{}, { queue: 1, infer: 2.5 }, { infer: 3 }, { queue: 1, infer: 2.5 }]) {
    const line = lineOf('Mooring/InferenceServer', { phases })
    t.is(line._aws.Timestamp, 1_700_000_000_000)
    const [metrics] = line._aws.CloudWatchMetrics
    t.is(metrics?.Namespace, 'Mooring/InferenceServer')
    t.is(metrics?.Metrics.length, 2 + Object.keys(phases).length)
    for (const { Name } of metrics?.Metrics ?? []) t.is(typeof line[Name], 'number', Name)
    for (const dimension of metrics?.Dimensions.flat() ?? []) t.is(typeof line[dimension], 'string', dimension)
  }
})

test('without a namespace the line says the same, and declares no metrics', (t) => {
  const { _aws, ...said } = lineOf('N', { phases: { infer: 3 } })
  t.truthy(_aws)
  t.deepEqual(lineOf(undefined, { phases: { infer: 3 } }) as object, said)
})

test('whatever a caller calls its request, the line is one line of JSON that says it', (t) => {
  for (const requestId of ['"}\n{"level":60', 'a\\', '\u2028 ü']) t.is(lineOf('N', { requestId }).requestId, requestId)
})

test('an error is the server’s own, not the caller’s', (t) => {
  const errors = (status: number) => lineOf('N', { status }).Errors
  t.deepEqual([200, 422, 429, 500, 504].map(errors), [0, 0, 0, 1, 1])
})
