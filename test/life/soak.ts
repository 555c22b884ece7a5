import { parseArgs } from 'node:util'
import { startControlPlane } from '../../local/control-plane/control-plane.ts'
import { batch } from './batch.ts'

const USAGE = `npm run soak -- --minutes N [--seed S]     random sequences until the time is over
npm run soak -- --sequences N [--seed S]   so many
npm run soak -- --seed S [--path P]        the one that failed, again
npm run soak -- --seed S --shrink          and a shorter one that fails too
                [--lanes N]                how many at once (8)
`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    sequences: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
    lanes: { type: 'string', default: '8' },
    shrink: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function whole(name: string, text: string, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new Error(`--${name} must be a whole number from 1 to ${max}`)
}

if (values.help) {
  console.log(USAGE)
  process.exit(0)
}

const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 30) : whole('seed', values.seed, 2 ** 31 - 1)
const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
if (minutes !== undefined && !(minutes > 0)) throw new Error('--minutes must be a number above 0')
const count = values.sequences === undefined ? undefined : whole('sequences', values.sequences, 10_000_000)
const lanes = whole('lanes', values.lanes, 64)

const controlPlane = await startControlPlane({ progress: (message) => console.error(message) })
const end = minutes === undefined ? undefined : Date.now() + minutes * 60_000
let stopping = false
process.once('SIGINT', () => {
  stopping = true
})
console.log(`seed ${seed}`)
let passed = 0
let failed = 0
let calls = 0
let crashes = 0
const ends = new Map<string, number>()
let milliseconds = 0
const began = Date.now()
const progress = setInterval(() => {
  const seconds = (Date.now() - began) / 1000
  const done = passed + failed
  console.log(
    `${Math.round(seconds)} s: ${passed} passed, ${failed} failed; ${(seconds / Math.max(1, done)).toFixed(2)} s each, ${Math.round(calls / Math.max(1, passed))} calls, ${(crashes / Math.max(1, passed)).toFixed(1)} crashes, ${Math.round(milliseconds / Math.max(1, passed))} ms long`,
  )
}, 15_000)

const result = await batch({
  kubeconfigPath: controlPlane.kubeconfigPath,
  seed,
  lanes,
  path: values.path,
  shrink: values.shrink,
  more: (number) => {
    if (stopping) return false
    if (end !== undefined) return Date.now() < end
    return number < (count ?? 1)
  },
  onPassed(_, lived) {
    passed++
    for (const each of lived) {
      calls += each.calls
      crashes += each.crashes
      for (const reason of each.resting) ends.set(reason, (ends.get(reason) ?? 0) + 1)
      milliseconds += each.milliseconds
    }
  },
  onFailed(number, report) {
    failed++
    console.log(`\nSequence ${number} FAILED: ${report.whole}\n`)
  },
})
clearInterval(progress)
await controlPlane.stop()
console.log(`resting: ${[...ends].map(([reason, times]) => `${reason} ${times}`).join(', ')}`)
console.log(`${result.sequences} sequences, ${result.passed} passed, ${result.failed} failed`)
process.exit(result.failed > 0 ? 1 : 0)
