import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { type Costed, costTable } from '../../cli/cost.ts'
import { testCluster } from '../kubernetes.ts'
import { anEndpoint } from '../operator/api/manifests.ts'

const run = promisify(execFile)
const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')
const NOW = new Date('2026-11-03T00:00:00Z')

const COST = {
  month: '2026-11',
  monthToDate: '10.00',
  hourlyPrice: '1.00',
  hourly: '2.00',
  alwaysOn: '730.00',
  saved: '0.00',
  priceSource: 'BuiltIn' as const,
  priceAsOf: '2026-09',
  instances: 2,
  countedAt: '2026-11-02T23:30:00Z',
  usage: [{ instanceType: 'ml.g5.xlarge', hourlyPrice: '1.00', instanceSeconds: 36_000 }],
}
const costed = (name: string, cost?: Partial<NonNullable<NonNullable<Costed['status']>['cost']>>): Costed => ({
  metadata: { namespace: 'vision', name, creationTimestamp: '2026-10-01T00:00:00Z' },
  spec: {},
  ...(cost ? { status: { cost: { ...COST, ...cost } } } : {}),
})

test('what has run since the last count is added, and what is saved is told of now', (t) => {
  const [head = '', row = '', total = ''] = costTable([costed('segment', {})], NOW).split('\n')
  t.deepEqual(head.split(/ {2,}/), [
    'NAMESPACE',
    'NAME',
    'TYPE',
    'RUNNING',
    'USD/H',
    'MONTH',
    'ALWAYS-ON',
    'SAVED',
    'BUDGET',
    'PRICE',
  ])
  // Half an hour of two instances since, and 48 hours of the month.
  t.deepEqual(row.split(/ {2,}/).slice(2), [
    'ml.g5.xlarge',
    '2',
    '2.000',
    '11.00',
    '730.00',
    '37.00',
    '-',
    'BuiltIn 2026-09',
  ])
  t.regex(total, /^ +TOTAL +2 +2\.00 +11\.00 +730\.00 +37\.00$/)
})

test('an endpoint that nobody has counted yet, or whose price nobody knows, has no numbers rather than wrong ones', (t) => {
  const { hourlyPrice: _p, hourly: _h, alwaysOn: _a, monthToDate: _m, priceSource: _s, ...unpriced } = COST
  const unknown: Costed = { ...costed('unpriced'), status: { cost: unpriced } }
  const [, fresh = '', without = '', total = ''] = costTable([costed('new'), unknown], NOW).split('\n')
  t.deepEqual(fresh.split(/ {2,}/).slice(1), ['new', '-', '0', '-', '-', '-', '-', '-', '-'])
  t.deepEqual(without.split(/ {2,}/).slice(1), ['unpriced', 'ml.g5.xlarge', '2', '-', '-', '-', '-', '-', 'unknown'])
  t.regex(total, /TOTAL +2 +0\.00/)
})

test('kubectl mooring cost reads the cluster, one namespace or all', async (t) => {
  const cluster = testCluster()
  const [namespace, other] = await Promise.all([cluster.namespace('cost'), cluster.namespace('cost')])
  const manifest = anEndpoint(namespace, 'segment')
  await cluster.create({ ...manifest, spec: { ...(manifest.spec as object), budget: { monthlyUsd: 300 } } })
  await cluster.create(anEndpoint(other, 'elsewhere'))
  t.true('accepted' in (await cluster.patchStatus(manifest, { cost: COST })))
  const cost = async (...args: string[]) => {
    const env = { ...process.env, KUBECTL: process.env.MOORING_TEST_KUBECTL, KUBECONFIG: cluster.kubeconfigPath }
    return (await run(process.execPath, [MAIN, 'cost', ...args], { env })).stdout
  }
  const one = await cost('-n', namespace)
  t.regex(one, /segment +ml\.g5\.xlarge +2 .* 300 +BuiltIn/)
  t.notRegex(one, /elsewhere/)
  const all = await cost('--all-namespaces')
  t.regex(all, /segment/)
  t.regex(all, /elsewhere/)
  t.is(await cost('-n', 'none-of-that-name'), 'No endpoints found.\n')
  await t.throwsAsync(() => cost('-A', '-n', namespace), { code: 2 })
})
