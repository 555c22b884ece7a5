import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoConsole } from '../demo/console.ts'
import { startControlPlane } from '../local/control-plane/control-plane.ts'
import { LOWER_BOUND, report } from './operator-report.ts'
import { type Measured, measure } from './operator-run.ts'

/**
 * What the operator costs at 1, 100 and 1,000 endpoints: see bench/README.md for what each figure means. The local cloud's transitions
 * take no time, so what is left is the operator's own.
 */
const SIZES = (process.argv[2] ?? '1,100,1000').split(',').map(Number)

const console_ = demoConsole(process.stderr as NodeJS.WriteStream)
const directory = await mkdtemp(join(tmpdir(), 'mooring-bench-'))
const results: Measured[] = []
try {
  for (const size of SIZES) {
    // A control plane of its own each time: a thousand objects' history must not weigh on the next size.
    const plane = await console_.step('kube-apiserver and etcd', () => startControlPlane())
    try {
      results.push(await console_.step(`${size} endpoints`, (note) => measure({ size, plane, directory, note })))
    } finally {
      await plane.stop()
    }
  }
} finally {
  console_.close()
  await rm(directory, { recursive: true, force: true })
}
console.log(report(results, LOWER_BOUND))
process.exit(0)
