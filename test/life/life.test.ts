import test from 'ava'
import { testCluster } from '../kubernetes.ts'
import { batch } from './batch.ts'

/** The same sequences for everybody, so that a failure is one's own; `npm run soak` draws new ones. */
const SEQUENCES = Number(process.env.MOORING_SEQUENCES ?? 300)
const SEED = Number(process.env.MOORING_SEED ?? 20261121)
const GROUPS = 6

for (let group = 0; group < GROUPS; group++) {
  const count = Math.ceil(SEQUENCES / GROUPS)
  const seed = SEED + group * count
  // One group after the other: each sequence counts on its share of the machine.
  test.serial(
    `what is declared is never lost, leaked or doubled, whatever happens (${group + 1} of ${GROUPS})`,
    async (t) => {
      t.timeout(15 * 60_000)
      const reports: string[] = []
      t.log(`${count} sequences from seed ${seed}`)
      const { sequences, failed } = await batch({
        kubeconfigPath: testCluster().kubeconfigPath,
        seed,
        more: (number) => number < count,
        onFailed: (_, report) => reports.push(report.brief),
      })
      t.is(failed, 0, reports.slice(0, 2).join('\n\n'))
      t.true(sequences >= count)
    },
  )
}
