import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { chooseRevision, historyTable, type Revised } from '../../cli/rollback.ts'
import { cloudForFile, isTrue, world } from '../operator/controllers/world.ts'

const run = promisify(execFile)
const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')
const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

const revision = (number: number, outcome: 'Succeeded' | 'Failed' | 'InProgress') => ({
  number,
  endpointConfigName: `config-${number}`,
  image: `x@sha256:${String(number).repeat(64)}`,
  firstAttemptTime: '2026-11-21T00:00:00Z',
  outcome,
})
const revised = (current: number, ...revisions: ReturnType<typeof revision>[]): Revised => ({
  spec: {},
  status: { currentRevision: current, revisions },
})

test('without a number, the last good revision before the current one is chosen', (t) => {
  const endpoint = revised(4, revision(4, 'Succeeded'), revision(3, 'Failed'), revision(2, 'Succeeded'))
  t.is(chooseRevision(endpoint, undefined).number, 2)
  t.is(chooseRevision(endpoint, '3').number, 3)
  t.throws(() => chooseRevision(endpoint, '7'), { message: 'there is no revision 7; kept are: 4, 3, 2' })
  t.throws(() => chooseRevision(revised(1, revision(1, 'Succeeded')), undefined), { message: /no earlier good/ })
})

test('the history says which revision serves', (t) => {
  const lines = historyTable(revised(2, revision(3, 'Failed'), revision(2, 'Succeeded'))).split('\n')
  t.regex(lines[1] ?? '', /^3 +Failed .* 333333333333 +config-3$/)
  t.regex(lines[2] ?? '', /^2 +Succeeded .* 222222222222 +config-2 +serves$/)
})

test('rollback serves the earlier revision, history shows it, resume follows the spec again', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  await w.until('revision 2', (seen) => seen.status?.currentRevision === 2 && isTrue(seen, 'Ready'))
  const env = {
    ...process.env,
    KUBECTL: process.env.MOORING_TEST_KUBECTL,
    KUBECONFIG: w.cluster.kubeconfigPath,
  }
  const mooring = async (...args: string[]) =>
    (await run(process.execPath, [MAIN, ...args, '-n', w.namespace], { env })).stdout

  t.regex(await mooring('rollback', 'segment'), /goes to revision 1 .*kubectl mooring resume segment/s)
  await w.until('revision 1', (seen) => seen.status?.currentRevision === 1 && isTrue(seen, 'Ready'))
  t.regex(await mooring('history', 'segment'), /^1 .*serves, spec\.revision$/m)
  await t.throwsAsync(mooring('rollback', 'segment', '--to', '9'), { message: /there is no revision 9/ })
  await mooring('resume', 'segment')
  await w.until('revision 2 again', (seen) => seen.status?.currentRevision === 2 && isTrue(seen, 'Ready'))
})
