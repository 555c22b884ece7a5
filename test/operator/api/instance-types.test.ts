import test from 'ava'
import { architectureOf } from '../../../operator/api/instance-types.ts'

test('instance types with Graviton processors are told from those that only have a g in their name', (t) => {
  for (const type of ['ml.c7g.xlarge', 'ml.m6gd.large', 'ml.c6gn.4xlarge', 'ml.r8g.medium'])
    t.is(architectureOf(type), 'arm64', type)
  for (const type of [
    'ml.g5.2xlarge',
    'ml.g4dn.xlarge',
    'ml.p4de.24xlarge',
    'ml.m5.xlarge',
    'ml.inf2.xlarge',
    'ml.trn1.2xlarge',
  ])
    t.is(architectureOf(type), 'amd64', type)
})
