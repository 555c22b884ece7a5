import test from 'ava'
import { embeddedMetrics } from '../../../inference-server/http/emf.ts'

type Line = Record<string, unknown> & {
  _aws: {
    Timestamp: number
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[]
  }
}

test('every metric that a line declares, and every dimension, is in the line', (t) => {
  const emf = embeddedMetrics('Mooring/InferenceServer')
  for (const phases of [{}, { queue: 1, infer: 2.5 }, { infer: 3 }, { queue: 1, infer: 2.5 }]) {
    const line = emf({ task: 'segment', status: 200, ms: 9, phases }, 1_700_000_000_000) as Line
    t.is(line._aws.Timestamp, 1_700_000_000_000)
    const [metrics] = line._aws.CloudWatchMetrics
    t.is(metrics?.Metrics.length, 2 + Object.keys(phases).length)
    for (const { Name } of metrics?.Metrics ?? []) t.is(typeof line[Name], 'number', Name)
    for (const dimension of metrics?.Dimensions.flat() ?? []) t.is(typeof line[dimension], 'string', dimension)
  }
})

test('an error is the server’s own, not the caller’s', (t) => {
  const emf = embeddedMetrics('N')
  const errors = (status: number) => emf({ task: 'segment', status, ms: 1, phases: {} }, 0).Errors
  t.deepEqual([200, 422, 429, 500, 504].map(errors), [0, 0, 0, 1, 1])
})
