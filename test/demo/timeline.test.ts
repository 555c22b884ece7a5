import test from 'ava'
import { timelineSvg } from '../../demo/chart.ts'
import { cost } from '../../demo/cost.ts'
import { instanceSeconds, type Sample, segments } from '../../demo/timeline.ts'

const sample = (at: number, endpointStatus: string | undefined, instances: number): Sample => ({
  at,
  endpointStatus,
  phase: endpointStatus,
  instances,
})

const watched = [
  sample(0, undefined, 0),
  sample(2, 'Creating', 0),
  sample(4, 'InService', 1),
  sample(7, 'InService', 3),
  sample(8, undefined, 0),
  sample(10, 'InService', 1),
  sample(11, 'InService', 1),
]

test('stretches of one state are joined, and a gap between two of them stays a gap', (t) => {
  t.deepEqual(
    segments(watched, (s) => s.endpointStatus),
    [
      { from: 2, to: 4, value: 'Creating' },
      { from: 4, to: 8, value: 'InService' },
      { from: 10, to: 11, value: 'InService' },
    ],
  )
})

test('instance-seconds are the area under the count', (t) => {
  t.is(instanceSeconds(watched), 3 * 1 + 1 * 3 + 1 * 1)
  t.is(instanceSeconds([]), 0)
})

test('cost compares an hour of every hour with the share that was used', (t) => {
  const seen = cost('ml.g5.2xlarge', 25, 100)
  t.is(Math.round(seen?.monthAlwaysOnUsd ?? 0), 1091)
  t.is(seen?.monthAsUsedUsd, (seen?.monthAlwaysOnUsd ?? 0) / 4)
})

test('an instance type without a known price has no cost, rather than a guessed one', (t) => {
  t.is(cost('ml.p9.99xlarge', 1, 1), undefined)
})

test('the picture escapes what it is told', (t) => {
  const svg = timelineSvg({ samples: [sample(0, '<b>', 1), sample(100, '<b>', 1)], marks: [{ at: 1, label: '"&"' }] })
  t.false(svg.includes('<b>'))
  t.true(svg.includes('&#60;b&#62;'))
  t.true(svg.includes('&#34;&#38;&#34;'))
})
